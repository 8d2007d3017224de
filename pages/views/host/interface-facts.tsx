import { packetsBy } from '../../data/diagram/model.js';
import { grouped } from '../../words/numbers.js';
import type { PanelProps } from './place-panel.js';

/** What is known of interfaces that share a card. */
export function InterfaceFacts(props: PanelProps & { readonly side: 'in' | 'out'; readonly devs: readonly number[] }) {
  const { picture, flow, devs, side, onPlace } = props;
  if (devs.length === 1) return <OneInterface {...props} dev={devs[0]} />;
  const busiest = [...devs].sort((a, b) => packetsBy(flow, side, [b]) - packetsBy(flow, side, [a]) || a - b);
  return (
    <table class="facts members">
      <caption>Its interfaces</caption>
      <tbody>
        {busiest.map((dev) => {
          const { name, network, addresses } = picture.interfaces[dev];
          return (
            <tr key={dev}>
              <th scope="row">
                <button type="button" class="link" onClick={() => onPlace(`${side} ${dev}`)}>
                  {name}
                </button>
              </th>
              <td class="muted">{network ?? addresses[0] ?? ''}</td>
              <td>{grouped(packetsBy(flow, side, [dev]))}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function OneInterface({ picture, flow, dev }: PanelProps & { readonly dev: number }) {
  const { addresses, mac, kind, network, bridge, lower, vlanId, isUp, neighbours } = picture.interfaces[dev];
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['arrived', grouped(packetsBy(flow, 'in', [dev]))],
    ['left', grouped(packetsBy(flow, 'out', [dev]))],
    ['addresses', addresses.length > 0 ? addresses.join(', ') : undefined],
    ['Docker network', network],
    ['kind', kind],
    ['port of', bridge],
    ['VLAN', vlanId === undefined ? undefined : `${vlanId}${lower === undefined ? '' : ` on ${lower}`}`],
    ['MAC', mac],
    ['state', isUp ? 'up' : 'down'],
  ];
  return (
    <>
      <dl class="facts">
        {rows.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {neighbours.length > 0 && (
        <table class="facts">
          <caption>Behind it</caption>
          <tbody>
            {neighbours.map(({ name, address }) => (
              <tr key={`${name} ${address}`}>
                <th scope="row">{name}</th>
                <td>{address}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
