/**
 * One line a test for other programs, five columns with tabs between them, which stay as they are within a major
 * version:
 *
 *     ok|failed|error  CASE  FILE:LINE  NAME  MESSAGE
 *
 * An error is about a whole case. The message of a test that passed says why that proves nothing. A column may be
 * empty. What would be a tab, a line feed or another control character is an escape such as \x09.
 */
import { shown } from '../../codecs/text.js';
import { formatPlace } from '../../explain/findings.js';
import { type CheckedCase, type Reporter, type TextWriter, testOfError } from './model.js';
import { placeOfError } from './places.js';

export class TerseReporter implements Reporter {
  readonly #out: TextWriter;

  constructor(out: TextWriter) {
    this.#out = out;
  }

  finished({ dir, tests, error }: CheckedCase): void {
    for (const { name, status, place, note = '', message = note } of tests)
      this.#row(
        status === 'passed' ? 'ok' : 'failed',
        dir,
        place === undefined ? '' : formatPlace(place),
        name,
        message,
      );
    if (error === undefined) return;
    const message = error.message.replaceAll('\n', '; ');
    const place = placeOfError(message);
    this.#row('error', dir, place === undefined ? '' : formatPlace(place), testOfError(error), message);
  }

  end(): void {}

  #row(...cells: readonly string[]): void {
    this.#out.write(`${cells.map(shown).join('\t')}\n`);
  }
}
