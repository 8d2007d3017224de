import type { HookName } from '../../../core/hooks.js';
import type { HookEntry } from '../../data/diagram/hook-entries.js';
import { seenBy } from '../../data/diagram/host-flow.js';
import { counted, grouped } from '../../words/numbers.js';
import { Ends } from './ends.js';
import { boxStyle, type PartProps, partClass } from './part.js';
import { PlaceButton } from './place-button.js';

/** A hook, with what it runs in order. */
export function HookBox({ hook, ...props }: PartProps & { readonly hook: HookName }) {
  const { model, chosen } = props;
  const seen = seenBy(chosen.places.get(hook));
  const entries = model.entries[hook];
  return (
    <div class={`box hook${partClass(hook, props)}`} style={boxStyle(model.layout.boxes[hook])}>
      <PlaceButton {...props} place={hook} class="head" label={`Hook ${hook}: ${counted(seen, 'packet')}`}>
        {hook}
      </PlaceButton>
      {entries.map((entry) => (
        <EntryRow key={entry.place} entry={entry} most={seen} {...props} />
      ))}
      {entries.length === 0 && <p class="note">no tables</p>}
    </div>
  );
}

/** A table, or what conntrack does. MOST: how many its hook saw; a bar tells its share. */
function EntryRow({ entry, most, ...props }: PartProps & { readonly entry: HookEntry; readonly most: number }) {
  const { chosen, isQuiet } = props;
  const { place, priority } = entry;
  const seen = seenBy(chosen.places.get(place));
  const detail = detailOf(entry);
  const shown = Number.isFinite(priority) ? `${priority}`.replace('-', '−') : 'last';
  return (
    <div class={`entry-row${partClass(place, props)}`}>
      <PlaceButton
        {...props}
        place={place}
        class="entry"
        label={`${place}${detail === '' ? '' : `, ${detail}`}, priority ${shown}: ${counted(seen, 'packet')}`}
      >
        {!isQuiet && seen > 0 && <span class="share" style={{ width: `${(100 * seen) / most}%` }} />}
        <span class="name">{entry.name}</span>
        <span class="priority">
          {detail} {shown}
        </span>
        {!isQuiet && <span class="count">{seen === 0 ? '' : grouped(seen)}</span>}
      </PlaceButton>
      <Ends place={place} {...props} />
    </div>
  );
}

function detailOf({ name, hook }: HookEntry): string {
  if (name !== 'nat') return '';
  return hook === 'PREROUTING' || hook === 'OUTPUT' ? 'DNAT' : 'SNAT';
}
