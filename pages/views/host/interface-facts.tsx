import { packetsBy } from '../../data/diagram/model.js';
import { type CountRow, Counts } from './counts.js';
import type { PanelProps } from './place-panel.js';

/** What is known of interfaces that share a card. */
export function InterfaceFacts(props: PanelProps & { readonly side: 'in' | 'out'; readonly devs: readonly number[] }) {
  const { picture, flow, devs, side, onPlace } = props;
  const counts = new Map(devs.map((dev) => [dev, packetsBy(flow, side, [dev])]));
  if (devs.length > 1) {
    const busiest = [...devs].sort((a, b) => counts.get(b)! - counts.get(a)!);
    const rowOf = (dev: number): CountRow => {
      const { name, network, addresses } = picture.interfaces[dev];
      return [
        <>
          <button type="button" class="link" onClick={() => onPlace(`${side} ${dev}`)}>
            {name}
          </button>{' '}
          <span class="muted">{network ?? addresses[0]}</span>
        </>,
        `${counts.get(dev)}`,
      ];
    };
    return <Counts caption="Its interfaces" rows={busiest.map(rowOf)} />;
  }
  const { addresses, mac, kind, network, bridge, lower, vlanId, isUp, neighbours } = picture.interfaces[devs[0]];
  const rows: readonly CountRow[] = [
    ['arrived', packetsBy(flow, 'in', devs)],
    ['left', packetsBy(flow, 'out', devs)],
    ['addresses', addresses.join(', ') || undefined],
    ['Docker network', network],
    ['kind', kind],
    ['port of', bridge],
    ['VLAN', vlanId && `${vlanId}${lower ? ` on ${lower}` : ''}`],
    ['MAC', mac],
    ['state', isUp ? 'up' : 'down'],
  ];
  return (
    <>
      <Counts caption="The interface" rows={rows} />
      <Counts caption="Behind it" rows={neighbours.map(({ name, address }) => [name, address])} />
    </>
  );
}
