/**
 * The page of a report as HTML, one file. The page runs the one script and applies the one style sheet that stand in it,
 * and asks for nothing else, by its own Content-Security-Policy.
 */
import { REPORT_MARK } from '../../replay/result-files.js';
import { version } from '../../replay/version.js';
import type { Report } from './format/report.js';

/** What dist/pages has, with the SHA-256 of each in base64. */
export interface PageAssets {
  readonly script: string;
  readonly scriptHash: string;
  readonly style: string;
  readonly styleHash: string;
}

/** The id of the element with the index. Those of sections are their names. */
const INDEX_ID = 'index';

/** A page that holds REPORT, and opens from disk. */
export function pageHtml({ index, sections }: Report, assets: PageAssets): string {
  const data = [`<script type="application/json" id="${INDEX_ID}">${scriptJson(index)}</script>`];
  for (const [name, bytes] of sections) {
    data.push(`<script type="application/octet-stream" id="${escapeHtml(name)}">${base64(bytes)}</script>`);
  }
  return html(index.title, assets, data, "connect-src 'none'");
}

/** A page that asks for its report where it was served: `index`, `sections/NAME`, and `events`. */
export function livePageHtml(title: string, assets: PageAssets): string {
  return html(title, assets, [], "connect-src 'self'");
}

/** The policy stands first: what is before it is not bound by it. */
function html(title: string, assets: PageAssets, data: readonly string[], connect: string): string {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${assets.scriptHash}'`,
    `style-src 'sha256-${assets.styleHash}'`,
    'img-src data:',
    connect,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `${REPORT_MARK}${version()}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="referrer" content="no-referrer">',
    '<link rel="icon" href="data:,">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${assets.style}</style>`,
    '</head>',
    '<body>',
    '<div id="page"></div>',
    '<noscript>This report is drawn by a script that stands in the file itself; nothing is loaded. ' +
      'Allow JavaScript to look at it.</noscript>',
    ...data,
    `<script>${assets.script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** JSON as the content of a script element, which no text in it can end. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ENTITIES[one]);
}
