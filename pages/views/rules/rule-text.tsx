import { Fragment } from 'preact';

const WORD = /"(?:\\.|[^"\\])*"|\S+/g;
const VERDICTS: Readonly<Record<string, string>> = { ACCEPT: 'forwarded', DROP: 'dropped', REJECT: 'rejected' };

interface Word {
  readonly kind: 'option' | 'value' | 'not' | 'comment' | 'target';
  readonly text: string;
}

/** The words of a rule, by what they are. */
function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const [word] of text.matchAll(WORD)) {
    const before = words.at(-1)?.text;
    const isOption = /^--?[a-zA-Z]/.test(word);
    const kind =
      word === '!'
        ? 'not'
        : before === '--comment'
          ? 'comment'
          : before === '-j' || before === '-g'
            ? 'target'
            : isOption
              ? 'option'
              : 'value';
    words.push({ kind, text: word });
  }
  return words;
}

/** The rule TEXT in colours, in two parts: what it asks, and its target. FOLLOW: goes to the chain that it jumps to. */
export function RuleText({ text, follow }: { readonly text: string; readonly follow?: (() => void) | undefined }) {
  const words = wordsOf(text);
  const target = words.findIndex((word) => word.kind === 'target');
  const [asks, does] = target < 0 ? [words, []] : [words.slice(0, target - 1), words.slice(target - 1)];
  return (
    <>
      {asks.length > 0 && (
        <>
          <span class="asks">
            <Words words={asks} />
          </span>{' '}
        </>
      )}
      <span class="does">
        <Words words={does} follow={follow} />
      </span>
    </>
  );
}

function Words({ words, follow }: { readonly words: readonly Word[]; readonly follow?: (() => void) | undefined }) {
  return (
    <>
      {words.map((word, i) => (
        <Fragment key={i}>
          {i > 0 && ' '}
          {word.kind === 'target' && follow ? (
            <button
              type="button"
              class="link"
              tabIndex={-1}
              onClick={(event) => {
                event.stopPropagation();
                follow();
              }}
            >
              {word.text}
            </button>
          ) : (
            <OneWord word={word} />
          )}
        </Fragment>
      ))}
    </>
  );
}

function OneWord({ word: { kind, text } }: { readonly word: Word }) {
  const verdict = kind === 'target' && Object.hasOwn(VERDICTS, text) ? ` verdict ${VERDICTS[text]}` : '';
  return <span class={`w-${kind}${verdict}`}>{text}</span>;
}
