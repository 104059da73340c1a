import '@fontsource-variable/figtree';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/lobby.css';
import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { basePath } from '../lib/runtime-config.ts';
import { Root } from './root.tsx';

export const metadata: Metadata = {
  title: 'Tandem',
  description: 'Calls that feel close.',
  applicationName: 'Tandem',
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

/**
 * Before the first paint: theme, language and direction as this browser remembers them. A language that has to be loaded
 * keeps the page hidden (`data-pending`) for at most two seconds. The build hashes this script for the CSP.
 */
const boot = `(function(){var d=document.documentElement,p={};try{p=JSON.parse(localStorage.getItem('tandem.preferences')||'{}')}catch(e){}
if(p.theme==='light'||p.theme==='dark')d.dataset.theme=p.theme;
var l=p.language||((navigator.languages||[]).map(function(t){return t.toLowerCase().split('-')[0]}).filter(function(t){return t==='en'||t==='de'||t==='ar'})[0])||'en';
if(l!=='en'){d.lang=l;if(l==='ar')d.dir='rtl';d.setAttribute('data-pending','');setTimeout(function(){d.removeAttribute('data-pending')},2000)}})()`;

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
