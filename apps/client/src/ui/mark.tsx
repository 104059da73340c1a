/** Two wheels, linked: each goes over the other once. */
export function Mark({ size = 30 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      strokeWidth="3.4"
      aria-hidden="true"
      focusable="false"
    >
      <path className="wheel" d="M13.04 23.22A7.5 7.5 0 1 1 17.94 18.83" />
      <path className="wheel second" d="M18.96 8.78A7.5 7.5 0 1 1 14.06 13.17" />
    </svg>
  );
}
