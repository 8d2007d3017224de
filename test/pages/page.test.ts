import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REPORT_FORMAT, type ReportIndex } from '../../explain/report/format/model.js';
import { livePageHtml, pageHtml } from '../../explain/report/page.js';
import { readPageAssets } from '../../io/page-assets.js';

const Page = suite('the page of a report');

const ASSETS = readPageAssets();
const MOST_CODE_BYTES = 60_000;

const index = (title: string): ReportIndex => ({
  format: REPORT_FORMAT,
  generator: 'nfreplay',
  title,
  results: [],
  isComparison: false,
  hasBench: true,
});

for (const name of ['report', 'bench'] as const) {
  Page(`has at most 60 kB of code, compressed: ${name}`, () => {
    const { length } = gzipSync(readPageAssets(name).script, { level: 9 });
    assert.ok(length <= MOST_CODE_BYTES, `${length} bytes; npx esbuild --analyze says what they are for`);
  });
}

Page('runs only its own script and style sheet, by their hashes, and connects to nothing', () => {
  const html = pageHtml({ index: index('x'), sections: new Map() }, ASSETS);
  const [, policy] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)!;
  const hash = (text: string) => createHash('sha256').update(text).digest('base64');
  const element = (name: string) => html.match(new RegExp(`<${name}>(.*?)</${name}>`, 's'))![1];
  assert.equal(policy.split('; '), [
    "default-src 'none'",
    `script-src 'sha256-${hash(element('script'))}'`,
    `style-src 'sha256-${hash(element('style'))}'`,
    'img-src data:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  assert.ok(html.indexOf('Content-Security-Policy') < html.indexOf('<title>'), 'what stands before it is not bound');
  assert.is(html.match(/<script>/g)!.length, 1);
  assert.not.match(html, /\b(?:src|href)=(?!"data:,")/, 'nothing is loaded');
  assert.not.match(html, /\son\w+="/, 'handlers would need unsafe-inline');
});

Page('connects only to whoever served it, if it was served', () => {
  assert.match(livePageHtml('x', ASSETS), "connect-src 'self'");
});

Page('no text of a report ends the element that it is in', () => {
  const hostile = '</script></title><!--<script>alert(1)</script>&amp;"\u2028\'';
  const html = pageHtml({ index: index(hostile), sections: new Map([[hostile, new Uint8Array(1)]]) }, ASSETS);
  const [, json] = /<script type="application\/json" id="index">([\s\S]*?)<\/script>/.exec(html)!;
  assert.is(JSON.parse(json).title, hostile);
  const ends = (text: string) => text.match(/<\/script/gi)!.length;
  // The index, the section, and the code.
  assert.is(ends(html), 3);
  assert.is(html.match(/alert\(1\)/g)!.length, 3, 'in the title, the index and the name of the section');
  assert.not.match(html, /<!--/);
  assert.match(html, '<title>&lt;/script&gt;&lt;/title&gt;&lt;!--&lt;script&gt;');
});

Page('builds no text into markup', () => {
  // Preact's own code for dangerouslySetInnerHTML is there; nothing may use it.
  const used = ASSETS.script.match(/dangerouslySetInnerHTML:/g) ?? [];
  assert.equal(used, []);
  assert.not.match(ASSETS.script, /insertAdjacentHTML|document\.write|\beval\(|new Function\(/);
});

Page('has the licence of the code of others that is in it', () => {
  assert.match(ASSETS.style, /^\/\*!\npreact\n[^*]*Jason Miller[^*]*\*\//);
});

Page.run();
