import { topology } from '../topology/index.ts';
import { linkPreview, PREVIEW_HEADERS, type PreviewBrand } from '../topology/link-preview.ts';

/** What goes to a service: its path stays as it is. */
const SERVICES = [topology.auth, topology.signaling, topology.media, topology.captions]
  .flatMap(({ routes }) => routes)
  .map((route) => route.slice(1).replaceAll('.', String.raw`\.`).replaceAll('/', String.raw`\/`))
  .join('|');

/**
 * Source of the CloudFront function on viewer requests (JavaScript runtime 2.0; under its 10 KB limit). It
 *  - writes the viewer's network into a header that a viewer cannot forge, for the rate rules: an IPv4 address, or the /64 of an IPv6
 *    one;
 *  - moves `?token=` into the Authorization header, so that no access log of the load balancer holds a token;
 *  - answers programs that make previews of links (linkPreview);
 *  - turns a page's address into its file, as the client's build names them: `/` into /index.html, `/live` and `/live/` into
 *    /live/index.html.
 */
export function viewerRequestCode(networkHeader: string, brand: PreviewBrand): string {
  const headers = Object.fromEntries(Object.entries(PREVIEW_HEADERS).map(([name, value]) => [name, { value }]));
  return `${linkPreview}
function preview(request) {
  var agent = request.headers['user-agent'];
  var given = request.querystring.room;
  var room = '';
  try {
    if (given) room = decodeURIComponent((given.multiValue ? given.multiValue[0] : given).value.replace(/\\+/g, ' '));
  } catch (error) {}
  return linkPreview({
    userAgent: agent ? agent.value : '',
    origin: 'https://' + (request.headers.host ? request.headers.host.value : ''),
    path: request.uri,
    room: room,
  }, ${ascii(brand)});
}
function network(ip) {
  if (ip.indexOf('.') >= 0) return ip.slice(ip.lastIndexOf(':') + 1);
  var halves = ip.split('::');
  var groups = halves[0] ? halves[0].split(':') : [];
  if (halves.length > 1) {
    var tail = halves[1] ? halves[1].split(':') : [];
    while (groups.length + tail.length < 8) groups.push('0');
    groups = groups.concat(tail);
  }
  return groups.slice(0, 4).map(function (g) { return parseInt(g, 16).toString(16); }).join(':') + '::/64';
}
function handler(event) {
  var request = event.request;
  request.headers['${networkHeader}'] = { value: network(event.viewer.ip) };
  var token = request.querystring.token;
  if (token && /^\\/(ws|auth)(\\/|$)/.test(request.uri)) {
    if (!request.headers.authorization) request.headers.authorization = { value: 'Bearer ' + decodeURIComponent(token.value) };
    delete request.querystring.token;
  }
  if (!/^\\/(${SERVICES})(\\/|$)/.test(request.uri)) {
    var page = preview(request);
    if (page) return { statusCode: 200, headers: ${ascii(headers)}, body: { encoding: 'text', data: page } };
    if (request.uri.endsWith('/')) request.uri += 'index.html';
    else if (!/\\.[A-Za-z0-9]+$/.test(request.uri)) request.uri += '/index.html';
  }
  return request;
}
`;
}

/** JSON as a part of a program: letters beyond ASCII are escaped, as two of them end a line of older JavaScript. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
