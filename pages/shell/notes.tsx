import { useState } from 'preact/hooks';
import type { NoteGroup as Group, ResultIndex } from '../../explain/report/format/model.js';

/** What somebody has to know who relies on the report: at least the first of each kind is there at once. */
export function Notes({ index }: { readonly index: ResultIndex }) {
  if (index.notes.length === 0) return null;
  return (
    <ul class="notes" aria-label="Notes">
      {index.notes.map((group) => (
        <NoteGroup key={group.kind} {...group} />
      ))}
    </ul>
  );
}

function NoteGroup({ kind, sign, title, texts }: Group) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li class={`note ${kind}`}>
      <span class="note-title">
        <i aria-hidden="true">{sign}</i> {title}
      </span>
      <ul>
        {texts.map((text, i) => (
          <li key={text} class={i > 0 && !isOpen ? 'on-paper' : ''}>
            {text}
          </li>
        ))}
      </ul>
      {texts.length > 1 && (
        <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'fewer' : `${texts.length - 1} more`}
        </button>
      )}
    </li>
  );
}
