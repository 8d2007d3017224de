/**
 * Where the headers of a frame are, by its link type, and how to ask what it carries. `vlan`, `mpls`, `pppoes` and
 * `geneve` move these offsets for everything that follows them in the filter, whatever operator is between.
 *
 * What libpcap 1.10.3 does is the definition; tests compare with it.
 */
import { Linktype } from '../linktypes.js';

/** The kinds of link that libpcap treats differently. */
export type LinkKind =
  | 'ethernet'
  | 'cooked'
  | 'cooked2'
  | 'raw'
  | 'ipv4'
  | 'ipv6'
  | 'family'
  | 'ppp'
  | 'hdlc-ppp'
  | 'pppoe'
  | 'nflog';

/** An offset in the frame: a constant, and for what follows a header of variable length, a scratch word to be added. */
export interface Offset {
  readonly constant: number;
  readonly register: number | undefined;
}

interface Layout {
  readonly kind: LinkKind;
  /** Of the field with the type of the payload, if there is one, and of the payload. */
  readonly typeAt: number;
  readonly payloadAt: number;
}

const LAYOUTS: Readonly<Record<number, Layout>> = {
  [Linktype.ETHERNET]: { kind: 'ethernet', typeAt: 12, payloadAt: 14 },
  [Linktype.LINUX_SLL]: { kind: 'cooked', typeAt: 14, payloadAt: 16 },
  [Linktype.LINUX_SLL2]: { kind: 'cooked2', typeAt: 0, payloadAt: 20 },
  [Linktype.RAW]: { kind: 'raw', typeAt: 0, payloadAt: 0 },
  [Linktype.RAW_BSD]: { kind: 'raw', typeAt: 0, payloadAt: 0 },
  [Linktype.RAW_OPENBSD]: { kind: 'raw', typeAt: 0, payloadAt: 0 },
  [Linktype.IPV4]: { kind: 'ipv4', typeAt: 0, payloadAt: 0 },
  [Linktype.IPV6]: { kind: 'ipv6', typeAt: 0, payloadAt: 0 },
  [Linktype.NULL]: { kind: 'family', typeAt: 0, payloadAt: 4 },
  [Linktype.LOOP]: { kind: 'family', typeAt: 0, payloadAt: 4 },
  [Linktype.PPP]: { kind: 'ppp', typeAt: 2, payloadAt: 4 },
  [Linktype.PPP_HDLC]: { kind: 'hdlc-ppp', typeAt: 2, payloadAt: 4 },
  [Linktype.PPP_ETHER]: { kind: 'pppoe', typeAt: 6, payloadAt: 8 },
  [Linktype.NFLOG]: { kind: 'nflog', typeAt: 0, payloadAt: 4 },
};

/** How the frame is read at one point of the filter. */
export interface LinkLayer {
  readonly kind: LinkKind;
  /** LOOP has its address family in network byte order; NULL in that of the machine that captured. */
  readonly isNetworkOrder: boolean;
  /** Of the link header, of the field with the type of the payload, and of the payload. */
  readonly header: Offset;
  readonly type: Offset;
  readonly payload: Offset;
  /** Of the network header in the payload, and of what 802.2 carries without SNAP. */
  readonly network: number;
  readonly afterLlc: number;
  /** How many MPLS labels have been passed. */
  readonly labels: number;
  /** The link header is one in Geneve, where perhaps none is. */
  readonly isGeneve: boolean;
}

const at = (constant: number): Offset => ({ constant, register: undefined });

/** How frames of LINKTYPE are read; undefined: there are no filters for it. */
export function linkLayerOf(linktype: number): LinkLayer | undefined {
  const layout = LAYOUTS[linktype];
  if (layout === undefined) return undefined;
  const { kind, typeAt, payloadAt } = layout;
  return {
    kind,
    isNetworkOrder: linktype === Linktype.LOOP,
    header: at(0),
    type: at(typeAt),
    payload: at(payloadAt),
    network: 0,
    afterLlc: kind === 'ethernet' ? 3 : 0,
    labels: 0,
    isGeneve: false,
  };
}

const moved = ({ constant, register }: Offset, by: number): Offset => ({ constant: constant + by, register });

/** After a VLAN tag. */
export function afterVlan(layer: LinkLayer): LinkLayer {
  return { ...layer, type: moved(layer.type, 4), payload: moved(layer.payload, 4) };
}

/** After an MPLS label. */
export function afterLabel(layer: LinkLayer): LinkLayer {
  return { ...layer, network: layer.network + 4, afterLlc: layer.afterLlc + 4, labels: layer.labels + 1 };
}

/** After a PPPoE header: what follows is read as PPP. */
export function afterPppoe(layer: LinkLayer): LinkLayer {
  const header = moved(layer.payload, layer.network + 6);
  const payload = { constant: header.constant + 2, register: layer.payload.register };
  return { ...layer, kind: 'ppp', header, type: header, payload, network: 0, afterLlc: 0, isGeneve: false };
}

/** After a Geneve header, whose registers hold the offsets. */
export function afterGeneve(layer: LinkLayer, header: number, type: number, payload: number): LinkLayer {
  const inRegister = (register: number): Offset => ({ constant: 0, register });
  return {
    ...layer,
    kind: 'ethernet',
    header: inRegister(header),
    type: inRegister(type),
    payload: inRegister(payload),
    network: 0,
    isGeneve: true,
  };
}
