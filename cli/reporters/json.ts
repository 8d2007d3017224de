/** All that check found, as JSON (docs/schema/check.schema.json). */
import { shownJson } from '../../codecs/text.js';
import { placeOf } from '../../explain/findings.js';
import { version } from '../../replay/version.js';
import {
  type CheckedCase,
  type CheckedTest,
  type DetailLayout,
  hasPassed,
  NOTHING,
  type Reporter,
  type TestPlace,
  type TextWriter,
  type Totals,
  withCase,
} from './model.js';

/** The version of the schema. */
const SCHEMA = 1;

type Json = Readonly<Record<string, unknown>>;

export class JsonReporter implements Reporter {
  readonly #out: TextWriter;
  readonly #layout: DetailLayout;
  readonly #cases: Json[] = [];
  #totals: Totals = NOTHING;
  #seconds = 0;

  constructor(out: TextWriter, layout: DetailLayout) {
    this.#out = out;
    this.#layout = layout;
  }

  finished(one: CheckedCase): void {
    this.#totals = withCase(this.#totals, one);
    this.#seconds += one.seconds;
    const { dir, seconds, tests, extent, warnings, notes, error } = one;
    this.#cases.push({
      case: dir,
      status: error !== undefined ? 'error' : hasPassed(one) ? 'passed' : 'failed',
      seconds: rounded(seconds),
      tests: tests.map((test) => testJson(test, this.#layout)),
      ...(extent === undefined ? {} : { extent }),
      ...{ warnings, notes },
      ...(error === undefined ? {} : { error: { message: error.message, exitCode: error.exitCode } }),
    });
  }

  end(): void {
    const { passed, failed, errors } = this.#totals;
    const json: Json = {
      schema: SCHEMA,
      generator: `nfreplay ${version()}`,
      ...{ passed, failed, errors },
      seconds: rounded(this.#seconds),
      cases: this.#cases,
    };
    this.#out.write(`${shownJson(json)}\n`);
  }
}

function testJson(test: CheckedTest, layout: DetailLayout): Json {
  const { name, status, place, decidedBy, message } = test;
  const base = { name, status, ...(place === undefined ? {} : { place: testPlaceOf(place) }) };
  if (status === 'passed') return base;
  return {
    ...base,
    ...(decidedBy === undefined ? {} : { decidedBy: placeOf(decidedBy) }),
    ...(message === undefined ? {} : { message }),
    details: test.details?.(layout) ?? [],
  };
}

function testPlaceOf({ file, line, column }: TestPlace): TestPlace {
  return { file, line, ...(column === undefined ? {} : { column }) };
}

/** To milliseconds. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
