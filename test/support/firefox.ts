/** Real Firefox ESR with fake devices, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/). */
import puppeteer, { type Browser } from 'puppeteer-core';
import { findProgram } from '../../infra/local/programs.ts';

/** What a test needs that Firefox asks its user for, or hides from a page on loopback. */
const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.getusermedia.insecure.enabled': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // No traffic of its own.
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  // OpenH264 would be fetched from the network at the first video call.
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-gmpopenh264.enabled': false,
  'services.settings.server': 'data:,',
};

/**
 * @param env more of its environment, such as that of a sound output
 * @throws Error with the install line when there is no Firefox
 */
export function launchFirefox(env: Readonly<Record<string, string>> = {}): Promise<Browser> {
  const executablePath = ['firefox-esr', 'firefox'].map((name) => findProgram(name)).find(Boolean);
  if (!executablePath) throw new Error('Firefox is missing: apt-get install firefox-esr');
  return puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    env: { ...process.env, ...env },
    extraPrefsFirefox: PREFERENCES,
    timeout: 120_000,
    protocolTimeout: 240_000,
  });
}
