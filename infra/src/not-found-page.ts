/**
 * What a path without a page gets, with status 404: no style and no script, so that every content security policy allows it. A load balancer
 * takes 1,024 characters (Elastic Load Balancing API reference, "FixedResponseActionConfig").
 */
export const NOT_FOUND_PAGE = [
  '<!doctype html>',
  '<html lang="en">',
  '<meta charset="utf-8">',
  '<meta name="viewport" content="width=device-width">',
  '<title>Page not found</title>',
  '<h1>Page not found</h1>',
  '<p>Nothing is at this address. <a href="/">Go to the start page</a></p>',
  '</html>',
].join('\n');
