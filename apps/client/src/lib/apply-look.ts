import { type LANGUAGES, type Language, matchLanguage, setLanguage } from '../i18n/index.ts';
import { inkOn, readLook } from '../look.ts';
import { look } from './look-store.ts';
import { preferences } from './preferences.ts';

const scheme = (light: string, dark: string) => `light-dark(${light}, ${dark})`;

/** Shows what config.json says of the look: name, colours, languages, features. */
export async function applyLook(file: Readonly<Record<string, unknown>>): Promise<void> {
  const read = readLook(file, (line) => console.warn(line));
  const { name, accent, languages } = read;
  if (accent) {
    const { style } = document.documentElement;
    const { light, dark } = accent;
    style.setProperty('--accent', scheme(light, dark));
    style.setProperty('--accent-ink', scheme(inkOn(light), inkOn(dark)));
    style.setProperty('--accent-hover', `color-mix(in oklab, ${scheme(light, dark)} 85%, ${scheme('black', 'white')})`);
    style.setProperty('--accent-wash', `color-mix(in oklab, ${scheme(light, dark)} 14%, var(--canvas))`);
  }
  if (name) nameTitle(name);
  look.set(read);
  if (languages && !languages.includes(document.documentElement.lang)) await setLanguage(offered(languages));
}

/** Puts the name into the title, and again when the framework writes its own after us. */
function nameTitle(name: string): void {
  const show = () => {
    const { title } = document;
    if (title.includes('Tandem') && !title.includes(name)) document.title = title.replace('Tandem', name);
  };
  show();
  new MutationObserver(show).observe(document.head, { childList: true, subtree: true, characterData: true });
}

/** The best of the languages on offer. */
function offered(languages: readonly string[]): Language {
  const { language } = preferences.get();
  const asked = navigator.languages.filter((tag) => matchLanguage([tag]) !== 'en' || tag.startsWith('en'));
  const found = [language, ...asked.map((tag) => matchLanguage([tag]))].find((tag) => languages.includes(tag));
  return (found ?? languages[0]) as keyof typeof LANGUAGES;
}
