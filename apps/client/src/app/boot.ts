/**
 * Before the first paint: theme, language and direction as this browser remembers them. A language that has to be loaded
 * keeps the page hidden (`data-pending`) for at most two seconds. After it, the scripts of the head, which the build made
 * preloads (scripts/paint-first.ts): the page is whole without them, so nothing keeps a phone from painting it. A page
 * in the background paints no frame and runs them at once. The build hashes this script for the CSP.
 */
export const boot = `(function(){var d=document.documentElement,p={};try{p=JSON.parse(localStorage.getItem('tandem.preferences'))||p}catch(e){}
if(p.theme==='light'||p.theme==='dark')d.dataset.theme=p.theme;
var l=p.language||((navigator.languages||[]).map(function(t){var b=t.toLowerCase().split('-')[0];return b==='pt'?'pt-BR':b==='zh'&&!/hant|tw|hk|mo/i.test(t)?'zh-Hans':/^(en|de|es|fr|ar|hi|ja)$/.test(b)?b:''}).filter(Boolean)[0])||'en';
if(l!=='en'){d.lang=l;if(l==='ar')d.dir='rtl';d.setAttribute('data-pending','');setTimeout(function(){d.removeAttribute('data-pending')},2000)}
var w=document.querySelectorAll('link[data-run]');function run(){var a=w;w=[];a.forEach(function(k){var s=document.createElement('script');s.async=true;s.src=k.getAttribute('href');document.head.appendChild(s)})}
if(document.hidden)run();else{requestAnimationFrame(function(){setTimeout(run)});setTimeout(run,1000)}})()`;
