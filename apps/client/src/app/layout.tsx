import '@fontsource-variable/figtree';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/lobby.css';
import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { basePath } from '../lib/runtime-config.ts';
import { boot } from './boot.ts';
import { Root } from './root.tsx';

export const metadata: Metadata = {
  title: 'Tandem',
  description: 'Calls that feel close.',
  applicationName: 'Tandem',
  openGraph: { title: 'Tandem', description: 'Calls that feel close.', type: 'website' },
  manifest: `${basePath}/manifest.webmanifest`,
  icons: {
    icon: [
      { url: `${basePath}/icons/icon.svg`, type: 'image/svg+xml' },
      { url: `${basePath}/icons/icon-192.png`, sizes: '192x192' },
    ],
    apple: `${basePath}/icons/apple-touch-icon.png`,
  },
  robots: { index: false },
  referrer: 'strict-origin-when-cross-origin',
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  // The keyboard of a phone shrinks the page: the chat's field stays above it.
  interactiveWidget: 'resizes-content',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f5f2ec' },
    { media: '(prefers-color-scheme: dark)', color: '#0f1514' },
  ],
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" dir="ltr" suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: a constant of ours, hashed in the CSP. */}
        <script dangerouslySetInnerHTML={{ __html: boot }} />
      </head>
      <body>
        <Root>{children}</Root>
      </body>
    </html>
  );
}
