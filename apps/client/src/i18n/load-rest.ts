/** Import this where texts of en-lazy.ts are used: they come in the same file as the code that needs them. */
import { enLazy } from './en-lazy.ts';
import { addEnglish } from './index.ts';

addEnglish(enLazy);
