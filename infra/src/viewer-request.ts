/**
 * Source of the CloudFront function on viewer requests (JavaScript runtime 2.0; under its 10 KB limit). It
 *  - writes the viewer's address into a header that a viewer cannot forge, for the rate rules;
 *  - moves `?token=` into the Authorization header, so that no access log of the load balancer holds a token;
 *  - turns a page's address into its file: `/` and `/help/` into index.html, `/call` into /call.html.
 */
export function viewerRequestCode(viewerHeader: string): string {
  return `function handler(event) {
  var request = event.request;
  request.headers['${viewerHeader}'] = { value: event.viewer.ip };
  var token = request.querystring.token;
  if (token && /^\\/(ws|auth)(\\/|$)/.test(request.uri)) {
    if (!request.headers.authorization) request.headers.authorization = { value: 'Bearer ' + decodeURIComponent(token.value) };
    delete request.querystring.token;
  }
  if (!/^\\/(ws|auth|reports|\\.well-known)(\\/|$)/.test(request.uri)) {
    if (request.uri.endsWith('/')) request.uri += 'index.html';
    else if (!/\\.[A-Za-z0-9]+$/.test(request.uri)) request.uri += '.html';
  }
  return request;
}
`;
}
