/**
 * Before the first paint: theme, language and direction as this browser remembers them. A language that has to be loaded
 * keeps the page hidden (`data-pending`) for at most two seconds. The build hashes this script for the CSP.
 */
export const boot = `(function(){var d=document.documentElement,p={};try{p=JSON.parse(localStorage.getItem('tandem.preferences')||'{}')}catch(e){}
if(p.theme==='light'||p.theme==='dark')d.dataset.theme=p.theme;
var l=p.language||((navigator.languages||[]).map(function(t){var b=t.toLowerCase().split('-')[0];return b==='pt'?'pt-BR':b==='zh'&&!/hant|tw|hk|mo/i.test(t)?'zh-Hans':/^(en|de|es|fr|ar|hi|ja)$/.test(b)?b:''}).filter(Boolean)[0])||'en';
if(l!=='en'){d.lang=l;if(l==='ar')d.dir='rtl';d.setAttribute('data-pending','');setTimeout(function(){d.removeAttribute('data-pending')},2000)}})()`;
