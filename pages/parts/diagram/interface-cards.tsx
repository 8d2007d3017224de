import { type DiagramCard, packetsBy } from '../../data/diagram/model.js';
import { counted, grouped } from '../../words/numbers.js';
import { boxStyle, type PartProps, partClass } from './part.js';
import { PlaceButton } from './place-button.js';

type Side = 'in' | 'out';

/** What packets came by, or left by. */
export function InterfaceCards({ side, ...props }: PartProps & { readonly side: Side }) {
  const { model } = props;
  const cards = side === 'in' ? model.inCards : model.outCards;
  return (
    <>
      {cards.map((card, i) => (
        <Card key={card.devs.join()} side={side} card={card} index={i} {...props} />
      ))}
    </>
  );
}

function Card({ side, card, index, ...props }: PartProps & { side: Side; card: DiagramCard; index: number }) {
  const { model, chosen, isQuiet } = props;
  const place = `${side} ${card.devs.join()}`;
  const packets = packetsBy(chosen, side, card.devs);
  // Of several, the one that the open packet came by, or left by.
  const taken = card.devs.map((dev) => `${side} ${dev}`).find((one) => props.visited.has(one)) ?? place;
  const box = (side === 'in' ? model.layout.inCards : model.layout.outCards)[index];
  const words = `${card.name}, ${side === 'in' ? 'arrived' : 'left'}: ${counted(packets, 'packet')}`;
  return (
    <PlaceButton
      {...props}
      place={place}
      class={`card${packets === 0 ? ' still' : ''}${partClass(taken, { ...props, looked: props.looked === place ? taken : undefined })}`}
      style={boxStyle(box)}
      label={words}
      title={[card.name, ...card.lines].join('\n')}
    >
      <span class="name">{card.name}</span>
      {!isQuiet && <span class="count">{packets === 0 ? '–' : grouped(packets)}</span>}
      {card.lines.map((line) => (
        <span class="line" key={line}>
          {line}
        </span>
      ))}
    </PlaceButton>
  );
}
