import { useState } from 'preact/hooks';

const SHOWN_MS = 1500;

/** Copies TEXT; where the browser does not allow that, shows it to be copied by hand. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [state, setState] = useState<'copied' | 'shown'>();
  const copy = () => {
    // Pages that were opened from disk may have no clipboard.
    const isCopied = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
    isCopied.then(
      () => {
        setState('copied');
        setTimeout(() => setState(undefined), SHOWN_MS);
      },
      () => setState('shown'),
    );
  };
  return (
    <span class="copy">
      <button type="button" title={text} onClick={copy}>
        {state === 'copied' ? 'Copied' : label}
      </button>
      {state === 'shown' && (
        <input readOnly value={text} aria-label={label} onFocus={(e) => e.currentTarget.select()} />
      )}
    </span>
  );
}
