/**
 * Who may read a report that is served on this machine: whoever has the address with its token. Other users of the
 * machine, and pages of other sites in the same browser, do not know it. Pages that make a name of their own resolve to
 * this machine (DNS rebinding) are told by the Host header, pages of other ports by Origin and Sec-Fetch-Site.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** Where it is. */
  readonly location?: string;
}

/** With any port: an SSH tunnel may begin at another one. */
const HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

/** What is asked for behind the token in a request for URL; or why it is refused. */
export function admitted(
  method: string | undefined,
  url: string | undefined,
  headers: IncomingHttpHeaders,
  token: string,
): Refusal | URL {
  const { host = '', origin } = headers;
  if (!HOST.test(host)) return refusal(403, 'This report is served on 127.0.0.1 and localhost only.');
  const isForeign = (origin !== undefined && origin !== `http://${host}`) || isOfOtherSite(headers);
  if (isForeign) return refusal(403, 'Pages of other sites may not read this.');
  const [, first, rest] = /^\/([^/?#]*)(.*)$/s.exec(url ?? '') ?? [];
  if (first === undefined || !isSame(first, token))
    return refusal(403, 'Open the complete address that nfreplay view printed.');
  if (method !== 'GET') return refusal(405, 'Only GET is supported.');
  if (!rest.startsWith('/'))
    return { ...refusal(307, 'The address needs a slash at its end.'), location: `/${token}/` };
  return URL.canParse(`http://${host}${rest}`) ? new URL(`http://${host}${rest}`) : refusal(404, 'Not found.');
}

const refusal = (status: number, message: string): Refusal => ({ status, message });

/** Whether another site's page asks, unless a person followed its link. */
function isOfOtherSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document';
}

/** In a time that does not depend on how much of it is the same. */
function isSame(given: string, token: string): boolean {
  const { timingSafeEqual }: typeof import('node:crypto') = require('node:crypto');
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
