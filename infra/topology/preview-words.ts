/** What a preview of a link says, in the languages of the page. A deployment has one of them: programs that make previews rarely say whom for. */
export interface PreviewWords {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  /** With `{room}`. */
  readonly join: string;
  /** With `{room}`. */
  readonly watch: string;
  readonly call: string;
  readonly live: string;
  /** With `{kind}` (one of the two above) and `{name}` of the product. */
  readonly on: string;
  /** With `{what}`: the kind, or that with the name. */
  readonly text: string;
}

const WORDS = {
  en: {
    ...{ join: 'Join {room}', watch: 'Watch {room} live', call: 'Video call', live: 'Live stream' },
    ...{ on: '{kind} on {name}', text: '{what}. Opens in the browser, nothing to install.' },
  },
  de: {
    ...{ join: '{room} beitreten', watch: 'Live aus {room}', call: 'Videoanruf', live: 'Livestream' },
    ...{ on: '{kind} bei {name}', text: '{what}. Öffnet sich im Browser, ohne Installation.' },
  },
  es: {
    ...{ join: 'Entrar en {room}', watch: '{room} en directo', call: 'Videollamada', live: 'Emisión en directo' },
    ...{ on: '{kind} en {name}', text: '{what}. Se abre en el navegador, sin instalar nada.' },
  },
  fr: {
    ...{ join: 'Rejoindre {room}', watch: '{room} en direct', call: 'Appel vidéo', live: 'Diffusion en direct' },
    ...{ on: '{kind} sur {name}', text: '{what}. S’ouvre dans le navigateur, rien à installer.' },
  },
  'pt-BR': {
    ...{ join: 'Entrar em {room}', watch: '{room} ao vivo', call: 'Chamada de vídeo', live: 'Transmissão ao vivo' },
    ...{ on: '{kind} em {name}', text: '{what}. Abre no navegador, sem instalar nada.' },
  },
  ar: {
    ...{ join: 'انضم إلى {room}', watch: 'بث مباشر من {room}', call: 'مكالمة فيديو', live: 'بث مباشر' },
    ...{ on: '{kind} على {name}', text: '{what}. في المتصفح مباشرة، دون تثبيت أي شيء.' },
  },
  hi: {
    ...{ join: '{room} में जुड़ें', watch: '{room} लाइव', call: 'वीडियो कॉल', live: 'लाइव प्रसारण' },
    ...{ on: '{name} पर {kind}', text: '{what}। ब्राउज़र में खुलता है, कुछ इंस्टॉल नहीं करना पड़ता।' },
  },
  ja: {
    ...{ join: '{room} に参加', watch: '{room} のライブ', call: 'ビデオ通話', live: 'ライブ配信' },
    ...{ on: '{name} の{kind}', text: '{what}。ブラウザで開き、インストールは不要です。' },
  },
  'zh-Hans': {
    ...{ join: '加入 {room}', watch: '{room} 直播', call: '视频通话', live: '直播' },
    ...{ on: '{name} {kind}', text: '{what}。在浏览器中打开，无需安装。' },
  },
} satisfies Record<string, Omit<PreviewWords, 'lang' | 'dir'>>;

/** @param language a tag of `languages` of config.json; default, and for any other: English */
export function previewWords(language = 'en'): PreviewWords {
  const lang = language in WORDS ? (language as keyof typeof WORDS) : 'en';
  return { lang, dir: lang === 'ar' ? 'rtl' : 'ltr', ...WORDS[lang] };
}
