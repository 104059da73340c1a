/** Import this where texts of en-lazy.ts or icons of icons-lazy.tsx are used: they come in the same file as the code that needs them. */
import { enLazy } from '../i18n/en-lazy.ts';
import { addEnglish } from '../i18n/index.ts';
import { addIcons } from '../ui/icons.tsx';
import { iconsLazy } from '../ui/icons-lazy.tsx';

addEnglish(enLazy);
addIcons(iconsLazy);
