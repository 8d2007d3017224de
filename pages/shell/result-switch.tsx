import type { Result } from '../data/result.js';
import type { Selection, ViewProps } from '../selection.js';

/** Which of several results is looked at, or all side by side. */
export function ResultSwitch(props: {
  readonly results: readonly Result[];
  readonly selection: Selection;
  readonly select: ViewProps['select'];
}) {
  const { results, selection, select } = props;
  const { result: chosen = 0, isBeside = false } = selection;
  return (
    <fieldset class="switch" aria-label="Results">
      {results.map(({ index }, at) => (
        <button
          type="button"
          key={at}
          aria-pressed={!isBeside && at === chosen}
          onClick={() => select({ result: at, isBeside: false })}
        >
          {index.name}
        </button>
      ))}
      <button type="button" aria-pressed={isBeside} onClick={() => select({ isBeside: !isBeside })}>
        side by side
      </button>
    </fieldset>
  );
}
