/** Keep the screen on while the call lasts. The lock goes when the page is hidden, so take it again when it is back. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  let over = false;
  const take = async () => {
    if (over || document.visibilityState !== 'visible') return;
    try {
      const taken = await navigator.wakeLock?.request('screen');
      if (over) await taken?.release();
      else lock = taken;
    } catch {
      // Low battery or an old browser: the screen may sleep, the call goes on.
    }
  };
  void take();
  document.addEventListener('visibilitychange', take);
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', take);
    void lock?.release().catch(() => {});
  };
}
