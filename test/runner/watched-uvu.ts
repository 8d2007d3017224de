// Replaces 'uvu' in test files (uvu-hook.ts redirects the import). uvu ignores failures around a test: a hook that
// throws, a suite that was never run, a leftover `.only`. This module records every suite with all its outcomes.
import './defer-uvu.js';
import * as uvu from 'uvu';
import { asError, describeError, type Failure } from './report.js';

type Context = Record<string, unknown>;
type Callback<T> = (context: T & { __suite__: string; __test__: string }) => Promise<void> | void;

/** The record of one suite in the test file. */
export interface SuiteRecord {
  name: string;
  /** Names of the tests that the next `.run()` will take. */
  waiting: string[];
  /** Names of tests that a `.run()` took but that have not begun. */
  unbegun: Set<string>;
  only: string[];
  skipped: string[];
  runs: number;
  passed: number;
  failures: Failure[];
}

/** Every suite of this process. It is module state because uvu's own `test` is. */
export const suites: SuiteRecord[] = [];

/** Called with the title of each test as it starts. */
export const onTestStart: { listener: (title: string) => void } = { listener: () => {} };

function watch<T>(real: uvu.Test<T>, record: SuiteRecord): uvu.Test<T> {
  const titleOf = (test: string) => (record.name ? `${record.name} › ${test}` : test);

  const fail = (title: string, thrown: unknown): Error => {
    const error = asError(thrown);
    record.failures.push({ title: titleOf(title), detail: describeError(error) });
    return error;
  };

  const watchedHook =
    (kind: string, hook: Callback<T>): Callback<T> =>
    async (context) => {
      try {
        await hook(context);
      } catch (thrown) {
        const about = context.__test__ ? ` “${context.__test__}”` : '';
        throw fail(`hook ${kind}${about}`, thrown);
      }
    };

  const watchedTest =
    (name: string, handler: Callback<T>): Callback<T> =>
    async (context) => {
      record.unbegun.delete(name);
      onTestStart.listener(titleOf(name));
      try {
        await handler(context);
        record.passed++;
      } catch (thrown) {
        throw fail(name, thrown);
      }
    };

  const declare = (add: (name: string, handler: Callback<T>) => void) => (name: string, handler: Callback<T>) => {
    if (record.waiting.includes(name)) fail(name, new Error('two tests of this suite have this name'));
    record.waiting.push(name);
    add(name, watchedTest(name, handler));
  };

  const hookOf = (kind: string, add: uvu.Test<T>['before']) =>
    Object.assign((hook: Callback<T>) => add(watchedHook(kind, hook)), {
      each: (hook: Callback<T>) => add.each(watchedHook(`${kind}.each`, hook)),
    });

  return Object.assign(
    declare((name, handler) => real(name, handler)),
    {
      only: (name: string, handler: Callback<T>) => {
        record.only.push(name);
        declare(real.only)(name, handler);
      },
      skip: (name = '(no name)') => {
        record.skipped.push(titleOf(name));
        real.skip();
      },
      before: hookOf('before', real.before),
      after: hookOf('after', real.after),
      run: () => {
        record.runs++;
        for (const name of record.waiting) record.unbegun.add(name);
        record.waiting = [];
        real.run();
      },
    },
  );
}

function newRecord(name: string): SuiteRecord {
  const record = {
    name,
    waiting: [],
    unbegun: new Set<string>(),
    only: [],
    skipped: [],
    runs: 0,
    passed: 0,
    failures: [],
  };
  suites.push(record);
  return record;
}

export function suite<T = Context>(title = '', context?: T): uvu.Test<T> {
  return watch(context === undefined ? uvu.suite<T>(title) : uvu.suite<T>(title, context), newRecord(title));
}

export const test = watch(uvu.test, newRecord(''));
export const exec = uvu.exec;
