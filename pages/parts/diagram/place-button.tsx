import type { ComponentChildren } from 'preact';
import type { PartProps } from './part.js';

type Style = Readonly<Record<string, string>>;

/** Chooses PLACE. LABEL: what it says to those who do not see the picture. */
export function PlaceButton(
  props: Pick<PartProps, 'looked' | 'onPlace'> & {
    readonly place: string;
    readonly class: string;
    readonly label: string;
    readonly title?: string;
    readonly style?: Style;
    readonly children: ComponentChildren;
  },
) {
  const { place, looked, onPlace, label, title, style, children } = props;
  return (
    <button
      type="button"
      class={props.class}
      aria-pressed={looked === place}
      aria-label={label}
      title={title}
      style={style}
      onClick={() => onPlace(place)}
    >
      {children}
    </button>
  );
}
