import type { ReactNode } from 'react';

/** The icons that the first page does not show: load-rest.ts brings them. */
export const iconsLazy = {
  screen: (
    <>
      <rect x="2.5" y="4" width="19" height="13" rx="2.5" />
      <path d="M12 13.5v-6m0 0L9.5 10M12 7.5l2.5 2.5M8 20.5h8" />
    </>
  ),
  chat: (
    <path d="M4.5 17.5 3.5 21l3.9-1.3A8.7 8.7 0 0 0 12 21c5 0 9-3.8 9-8.5S17 4 12 4s-9 3.8-9 8.5c0 1.9.5 3.6 1.5 5Z" />
  ),
  smile: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M8.5 14.2a4.2 4.2 0 0 0 7 0M9 9.3v.4M15 9.3v.4" />
    </>
  ),
  hand: (
    <path d="M8 12.5V5.8a1.4 1.4 0 0 1 2.8 0V11m0-.5V4.4a1.4 1.4 0 0 1 2.8 0V11m0-.5V5.6a1.4 1.4 0 0 1 2.8 0v7.4m0-3.5a1.4 1.4 0 0 1 2.8 0V15a6.5 6.5 0 0 1-6.5 6.5c-3.2 0-4.6-1.4-6-3.5l-2.8-4.5a1.4 1.4 0 0 1 2.3-1.6L8 14" />
  ),
  more: (
    <>
      <circle cx="5" cy="12" r="1.2" />
      <circle cx="12" cy="12" r="1.2" />
      <circle cx="19" cy="12" r="1.2" />
    </>
  ),
  layout: (
    <>
      <rect x="3" y="4" width="18" height="16" rx="3" />
      <path d="M12 4v16M3 12h18" />
    </>
  ),
  spotlight: (
    <>
      <rect x="3" y="4" width="18" height="16" rx="3" />
      <path d="M3 15h18M9 15v5M15 15v5" />
    </>
  ),
  stats: <path d="M4 20V13M10 20V8M16 20v-5M22 20H2M20 4l-6 5-4-3-6 4" />,
  pip: (
    <>
      <rect x="2.5" y="4.5" width="19" height="15" rx="3" />
      <rect x="12" y="11.5" width="6.5" height="5" rx="1" fill="currentColor" />
    </>
  ),
  expand: <path d="M4 9V6a2 2 0 0 1 2-2h3M15 4h3a2 2 0 0 1 2 2v3M20 15v3a2 2 0 0 1-2 2h-3M9 20H6a2 2 0 0 1-2-2v-3" />,
  move: (
    <path d="M12 3v18M3 12h18M12 3 9.5 5.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5" />
  ),
  flip: (
    <>
      <path d="M9 5 7.5 7H5a2 2 0 0 0-2 2v9a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2V9a2 2 0 0 0-2-2h-2.5L15 5Z" />
      <path d="M8.2 13a4 4 0 0 1 6.9-1.6l1 1.1M16.1 10v2.5h-2.5M15.8 14a4 4 0 0 1-6.9 1.6l-1-1.1M7.9 17v-2.5h2.5" />
    </>
  ),
  keyboard: (
    <>
      <rect x="2.5" y="6" width="19" height="12" rx="2.5" />
      <path d="M6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8" />
    </>
  ),
  leave: (
    <path
      fill="currentColor"
      d="M12 8.8c-3.8 0-7 .9-9 2.7-1 .9-1 2.3-.4 3.5l.5.9c.4.7 1.2 1 2 .8l2.7-.8c.7-.2 1.2-.9 1.2-1.6v-1.6a12 12 0 0 1 6 0v1.6c0 .8.5 1.4 1.2 1.6l2.7.8c.8.2 1.6-.1 2-.8l.5-.9c.6-1.2.6-2.6-.4-3.5-2-1.8-5.2-2.7-9-2.7Z"
    />
  ),
  copy: (
    <>
      <rect x="8.5" y="8.5" width="12" height="12" rx="2.5" />
      <path d="M15.5 5.5V5A1.5 1.5 0 0 0 14 3.5H5A1.5 1.5 0 0 0 3.5 5v9A1.5 1.5 0 0 0 5 15.5h.5" />
    </>
  ),
  check: <path d="m4.5 12.5 5 5 10-11" />,
  share: <path d="M12 15V3.5m0 0L7.5 8M12 3.5 16.5 8M5 12v6.5a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V12" />,
  'person-add': (
    <>
      <circle cx="10" cy="8" r="3.8" />
      <path d="M3 20a7 7 0 0 1 14 0M19 8v6M16 11h6" />
    </>
  ),
  eye: (
    <>
      <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z" />
      <circle cx="12" cy="12" r="2.8" />
    </>
  ),
  attach: (
    <path d="m20 11.5-8.2 8.2a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.6 17.3a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6" />
  ),
  file: <path d="M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5zM13.5 3v5.5H19" />,
  lock: (
    <>
      <rect x="5" y="10.5" width="14" height="10" rx="2.5" />
      <path d="M8.5 10.5V7.5a3.5 3.5 0 0 1 7 0v3M12 14.5v2" />
    </>
  ),
  'speaker-off': <path d="M11 6 7 9.5H4v5h3l4 3.5zM15.5 9.5l5 5M20.5 9.5l-5 5" />,
  forward: <path d="M4.5 12h15m0 0-6-6m6 6-6 6" />,
  back: <path d="M19.5 12h-15m0 0 6-6m-6 6 6 6" />,
  send: <path d="M4 12 3 4.5 21 12 3 19.5Zm0 0h8" />,
  pin: <path d="M12 15.5V21M7 15.5h10l-1.7-4V5.5h1.2v-2h-9v2h1.2v6Z" />,
  signal: <path d="M4 18v-2.5M9.3 18v-5.5M14.7 18V9M20 18V5" />,
  like: (
    <path d="M7 10.5v9M7 10.5 11 3.5c1.7 0 2.8 1.2 2.5 2.9L13 9.5h5.5a2 2 0 0 1 2 2.3l-1 6a2 2 0 0 1-2 1.7H4.5a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1Z" />
  ),
  heart: <path d="M12 20.5S3 15.2 3 9a4.9 4.9 0 0 1 9-2.7A4.9 4.9 0 0 1 21 9c0 6.2-9 11.5-9 11.5Z" />,
  laugh: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M7.5 13.5h9a4.5 4.5 0 0 1-9 0ZM8 9.5l1.3-1 1.3 1M13.5 9.5l1.3-1 1.3 1" />
    </>
  ),
  star: <path d="m12 3 2.7 5.7 6.2.8-4.6 4.3 1.2 6.2-5.5-3-5.5 3 1.2-6.2L3 9.5l6.2-.8Z" />,
  'zoom-in': (
    <>
      <circle cx="10.5" cy="10.5" r="7" />
      <path d="m15.8 15.8 5 5M10.5 7.5v6M7.5 10.5h6" />
    </>
  ),
  'zoom-out': (
    <>
      <circle cx="10.5" cy="10.5" r="7" />
      <path d="m15.8 15.8 5 5M7.5 10.5h6" />
    </>
  ),
} satisfies Record<string, ReactNode>;
