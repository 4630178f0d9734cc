/**
 * The token that the site wants with every write. It is read anew each time: after signing in again in another tab the
 * one in the page is older than the session.
 * @param {string} [otherwise] where there is no cookie
 */
export function csrfToken(otherwise = "") {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? otherwise;
}
