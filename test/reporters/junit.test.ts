/**
 * What `--reporter junit` writes is what readers of JUnit's XML take: libxml2 checks it against a schema and reads it.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryPages, validateXML } from 'xmllint-wasm';
import { JunitReporter } from '../../cli/reporters/junit.js';
import { REPLAYED } from '../../cli/reporters/model.js';
import { shown, shownLines } from '../../codecs/text.js';
import { caseOf, failed, hostileCases, LAYOUT, passed, reportOf } from './samples.js';

const Junit = suite('reporter junit');

const SCHEMA = readFileSync('test/reporters/junit.xsd', 'utf8');
/** 2026-11-28T10:00:00Z */
const NOW_MS = Date.UTC(2026, 10, 28, 10);

const report = (cases: Parameters<typeof reportOf>[1]) =>
  reportOf((out) => new JunitReporter(out, LAYOUT, () => NOW_MS), cases);

const input = (contents: string) => ({ xml: [{ fileName: 'junit.xml', contents }], maxMemoryPages: memoryPages.GiB });

/** What is wrong with XML. */
async function errorsIn(xml: string): Promise<readonly string[]> {
  const { errors } = await validateXML({ ...input(xml), schema: [SCHEMA] });
  return errors.map(({ rawMessage }) => rawMessage);
}

/** The canonical form of XML (W3C), in which attributes escape `&`, `<` and `"`, and text `>` as well. */
async function canonicalOf(xml: string): Promise<string> {
  const { normalized } = await validateXML({ ...input(xml), normalization: 'c14n' });
  return normalized;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const unescaped = (text: string) => text.replace(/&(\w+);/g, (_, name) => ENTITIES[name]);
const attributesOf = (tag: string) =>
  Object.fromEntries([...tag.matchAll(/ (\w+)="([^"]*)"/g)].map(([, name, value]) => [name, unescaped(value)]));

Junit('a suite a case, a test a claim', async () => {
  const text = report([
    caseOf(
      [
        passed('answers'),
        failed('is refused', {
          decidedBy: { file: 'cases/redis/rules.v4', line: 41 },
          details: () => ['dropped  by', '  a < b'],
        }),
      ],
      {
        warnings: ['cut short'],
        notes: ['never met'],
      },
    ),
    caseOf([], { dir: '../a.b/other/', error: { message: 'rules.v4:3: unknown option', exitCode: 2 } }),
  ]);
  const HOST = 'hostname="localhost" timestamp="2026-11-28T09:59:59"';
  assert.is(
    text,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite id="0" package="" name="cases/redis" ${HOST} tests="2" failures="1" errors="0" skipped="0" time="0.250">
    <properties/>
    <testcase name="answers" classname="cases.redis" time="0.125"/>
    <testcase name="is refused" classname="cases.redis" time="0.125">
      <failure message="expected accepted, found dropped" type="failure">expected accepted, found dropped
cases/redis/expect.yaml:4
decided by cases/redis/rules.v4:41

dropped  by
  a &lt; b</failure>
    </testcase>
    <system-out>never met</system-out>
    <system-err>cut short</system-err>
  </testsuite>
  <testsuite id="1" package="" name="../a.b/other/" ${HOST} tests="1" failures="0" errors="1" skipped="0" time="0.250">
    <properties/>
    <testcase name="${REPLAYED}" classname="a_b.other" time="0.250">
      <error message="rules.v4:3: unknown option" type="error">rules.v4:3: unknown option</error>
    </testcase>
    <system-out></system-out>
    <system-err></system-err>
  </testsuite>
</testsuites>
`,
  );
  assert.equal(await errorsIn(text), []);
});

Junit('no name, message or trace breaks the document, or is lost', async () => {
  const cases = hostileCases();
  const text = report(cases);
  assert.equal(await errorsIn(text), []);
  const canonical = await canonicalOf(text);
  const meant = (text: string) =>
    shown(text).replace(/[\ufffe\uffff]/g, (char) => (char === '\ufffe' ? '\\ufffe' : '\\uffff'));
  const names = [...canonical.matchAll(/<testcase(?: \w+="[^"]*")*>/g)].map(([tag]) => attributesOf(tag).name);
  assert.equal(
    names,
    cases.flatMap(({ tests, error }) => [
      ...tests.map(({ name }) => meant(name)),
      ...(error === undefined ? [] : [REPLAYED]),
    ]),
  );
  const failures = [...canonical.matchAll(/<failure((?: \w+="[^"]*")*)>([^<]*)<\/failure>/g)];
  const told = cases[0].tests.filter(({ status }) => status === 'failed');
  assert.is(failures.length, told.length);
  told.forEach(({ message }, i) => {
    const [, attributes, content] = failures[i];
    assert.is(attributesOf(attributes).message, meant(message!));
    const whole = unescaped(content);
    assert.ok(whole.startsWith(`${shownLines(message!)}\n`.replace(/[\ufffe\uffff]/g, meant)), message);
    assert.ok(whole.includes('\n  the first line has blanks\n'));
  });
});

Junit('10,000 tests', async () => {
  const tests = Array.from({ length: 10_000 }, (_, i) => passed(`claim ${i}`));
  const text = report([caseOf(tests)]);
  assert.equal(await errorsIn(text), []);
  assert.is(text.match(/<testcase /g)?.length, 10_000);
});

Junit('the schema refuses what readers refuse', async () => {
  const text = report([caseOf([passed('answers')])]);
  for (const [from, to] of [
    [' failures="0"', ''],
    ['time="0.250"', 'time="1e-7"'],
    ['T09:59:59"', 'T09:59:59Z"'],
    ['<properties/>', ''],
    ['classname=', 'class='],
  ]) {
    assert.ok(text.includes(from), from);
    assert.ok((await errorsIn(text.replace(from, to))).length > 0, from);
  }
});

Junit.run();
