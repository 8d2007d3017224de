/**
 * JUnit's XML, as Ant writes and Jenkins, GitLab and others read it: what both Ant's schema and that of Jenkins' xUnit
 * plug-in allow. A case is a suite, a claim a test.
 */
import { shown, shownLines } from '../../codecs/text.js';
import { formatPlace } from '../../explain/findings.js';
import {
  type CaseError,
  type CheckedCase,
  type CheckedTest,
  type DetailLayout,
  NOTHING,
  type Reporter,
  type TextWriter,
  testOfError,
  withCase,
} from './model.js';
import { deciderLines } from './places.js';

export class JunitReporter implements Reporter {
  readonly #out: TextWriter;
  readonly #layout: DetailLayout;
  readonly #now: () => number;
  #suites = 0;

  /** NOW: the time, in milliseconds since 1970. */
  constructor(out: TextWriter, layout: DetailLayout, now: () => number = Date.now) {
    this.#out = out;
    this.#layout = layout;
    this.#now = now;
  }

  begin(): void {
    this.#out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n');
  }

  finished(one: CheckedCase): void {
    const { dir, tests, error, seconds, notes, warnings } = one;
    const { failed, errors } = withCase(NOTHING, one);
    const count = tests.length + errors;
    // Nobody knows which part of the replay was for which test: they share its time.
    const shared = { classname: classNameOf(dir), time: seconds / Math.max(1, count) };
    const suite = {
      id: this.#suites++,
      ...{ package: '', name: dir, hostname: 'localhost' },
      timestamp: new Date(this.#now() - seconds * 1000).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length),
      ...{ tests: count, failures: failed, errors, skipped: 0, time: seconds },
    };
    this.#out.write(
      [
        `  <testsuite${attributes(suite)}>`,
        '    <properties/>',
        ...tests.map((test) => this.#test(test, shared)),
        ...(error === undefined ? [] : [errorOf(error, shared)]),
        `    <system-out>${content(notes)}</system-out>`,
        `    <system-err>${content(warnings)}</system-err>`,
        '  </testsuite>\n',
      ].join('\n'),
    );
  }

  end(): void {
    this.#out.write('</testsuites>\n');
  }

  #test(test: CheckedTest, shared: Shared): string {
    const { name, status, message = 'failed', place } = test;
    const open = `    <testcase${attributes({ name, ...shared })}`;
    if (status === 'passed') return `${open}/>`;
    const lines = [message, ...(place === undefined ? [] : [formatPlace(place)]), ...deciderLines(test)];
    const details = test.details?.(this.#layout) ?? [];
    if (details.length > 0) lines.push('', ...details);
    const failure = attributes({ message, type: 'failure' });
    return `${open}>\n      <failure${failure}>${content(lines)}</failure>\n    </testcase>`;
  }
}

interface Shared {
  readonly classname: string;
  readonly time: number;
}

function errorOf(error: CaseError, shared: Shared): string {
  const { message } = error;
  const open = `    <testcase${attributes({ name: testOfError(error), ...shared })}>`;
  const [summary] = message.split('\n', 1);
  const element = `<error${attributes({ message: summary, type: 'error' })}>${content([message])}</error>`;
  return `${open}\n      ${element}\n    </testcase>`;
}

/** DIR as the name of a Java class: readers take what is before the last dot for a package. */
function classNameOf(dir: string): string {
  const parts = dir.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.map((part) => part.replaceAll('.', '_')).join('.') || 'case';
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${attributeValue(name, value)}"`)
    .join('');
}

function attributeValue(name: string, value: string | number): string {
  if (typeof value === 'string') return escaped(shown(value));
  // Surefire's schema wants no more than three digits.
  return name === 'time' ? value.toFixed(3) : String(value);
}

function content(lines: readonly string[]): string {
  return escaped(lines.map(shownLines).join('\n'));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** TEXT, which has no control characters, in XML 1.0: it cannot hold U+FFFE and U+FFFF at all. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"]/g, (char) => ENTITIES[char])
    .replace(/[\ufffe\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}
