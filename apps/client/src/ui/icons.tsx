import type { ReactNode } from 'react';
import type { iconsLazy } from './icons-lazy.tsx';

/** Our own icons: 24 px grid, 1.75 px round strokes. Always beside a text or inside a labelled control. These come with the first page, the others are in icons-lazy.tsx. */
export const icons = {
  mic: (
    <>
      <rect x="9" y="3" width="6" height="11" rx="3" />
      <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
    </>
  ),
  'mic-off': (
    <>
      <path d="M9 9.5V6a3 3 0 0 1 6 0v5.2M14.4 13.3A3 3 0 0 1 9 11.5M5.5 11.5a6.5 6.5 0 0 0 10.6 5M18.5 11.5c0 .9-.2 1.7-.5 2.5M12 18v3M4 4l16 16" />
    </>
  ),
  cam: (
    <>
      <rect x="2.5" y="6" width="12.5" height="12" rx="3" />
      <path d="m15 10.8 4.7-2.9a1 1 0 0 1 1.5.9v6.4a1 1 0 0 1-1.5.9L15 13.2" />
    </>
  ),
  'cam-off': (
    <path d="M8 6h4a3 3 0 0 1 3 3v2l4.7-3a1 1 0 0 1 1.5.9v6.2M15 14.5V15a3 3 0 0 1-3 3H5.5a3 3 0 0 1-3-3V9c0-1.2.7-2.2 1.7-2.7M4 4l16 16" />
  ),
  blur: (
    <>
      <circle cx="12" cy="10" r="3.2" />
      <path d="M5.5 20.5a6.5 6.5 0 0 1 13 0M5 6.5h.01M8.5 3.5h.01M15.5 3.5h.01M19 6.5h.01M3 11.5h.01M21 11.5h.01M6.5 12h.01M17.5 12h.01" />
    </>
  ),
  people: (
    <>
      <circle cx="9" cy="8.5" r="3.5" />
      <path d="M2.5 19.5a6.5 6.5 0 0 1 13 0M15.5 5.3a3.5 3.5 0 0 1 0 6.4M18 14.3a6.5 6.5 0 0 1 3.5 5.2" />
    </>
  ),
  settings: (
    <>
      <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
      <circle cx="15" cy="7" r="2" />
      <circle cx="9" cy="17" r="2" />
    </>
  ),
  chevron: <path d="m7 10 5 5 5-5" />,
  close: <path d="m5.5 5.5 13 13M18.5 5.5l-13 13" />,
  alert: <path d="M12 8.5v4.5M12 16.5v.1M10.3 4 2.8 17a2 2 0 0 0 1.7 3h15a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0Z" />,
  dice: <path d="M20 11a8 8 0 0 0-14.3-4L3.5 9.5M3.5 4.5v5h5M4 13a8 8 0 0 0 14.3 4l2.2-2.5M20.5 19.5v-5h-5" />,
  speaker: <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof icons | keyof typeof iconsLazy;

const all: { [K in IconName]?: ReactNode } = { ...icons };

/** Icons of parts that are loaded later. */
export function addIcons(more: typeof iconsLazy): void {
  Object.assign(all, more);
}

export function Icon({ name, size = 22 }: { name: IconName /** px, default 22 */; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {all[name]}
    </svg>
  );
}
