/** What a replay of captures of the host had to assume, and what of them was not followed. */
import { givenSysctl } from '../../codecs/host/sysctls.js';
import { counted, shown } from '../../codecs/text.js';
import type { Host } from '../../core/host/host.js';
import type { HostCapture } from './host-capture.js';

/** Whether the packets that a bridge passes on traverse the tables of iptables. */
const BRIDGE_SYSCTL = 'net.bridge.bridge-nf-call-iptables';
/** How many interfaces a line names. */
const MAX_NAMED = 4;

/** What CAPTURE assumed because the captures do not show it, a line each. */
export function assumedOfCapture(capture: HostCapture): string[] {
  const { ownOpening, ownOrForwarded, ownRejected, learnedPorts, links, openBefore, natUndo } = capture;
  const { undone, ambiguous } = natUndo;
  const several = ambiguous > 0 ? ` (${ambiguous} of them: one of several ways)` : '';
  const unseen = capture.unseen();
  const they = ownOrForwarded === 1 ? 'it' : 'they';
  const lines: [count: number, one: string, many: string, what: string][] = [
    [ownOpening, 'own connection', 'own connections', 'of the host, captured after NAT: sent as it left'],
    [undone, 'own connection', 'own connections', `of the host, captured after NAT: taken back by the rules${several}`],
    [
      unseen.length === 0 ? 0 : ownOrForwarded,
      'connection from an own address',
      'connections from own addresses',
      `taken as the host's own; no frame of ${namesOf(unseen)} was captured, so ${they} may be forwarded and ` +
        'translated',
    ],
    [ownRejected, 'own packet', 'own packets', 'of the host, rejected in OUTPUT: sent as the ICMP error quotes it'],
    [openBefore.count, 'connection', 'connections', 'open before the capture began: not translated'],
    [learnedPorts, 'source port', 'source ports', 'drawn by NAT: as in the capture'],
    [links.guessed, 'frame', 'frames', 'without an interface: found by address and route'],
  ];
  return lines.flatMap(([count, one, many, what]) => {
    if (count === 0) return [];
    const separator = what.startsWith('taken as') ? ':' : '';
    return [`${counted(count, one, many)}${separator} ${what}`];
  });
}

/** What of the captures of CAPTURE, taken on HOST, was not followed. */
export function warningsOfCapture(capture: HostCapture, host: Host): string[] {
  const { links, setBack, bridged, ownOrForwarded, comparison } = capture;
  const warnings = [...links.unknown].map(
    ([what, frames]) => `${counted(frames, 'frame')} of ${what}, which the host does not have, ${wereSkipped(frames)}`,
  );
  const unseen = capture.unseen();
  if (ownOrForwarded > 0 && unseen.length > 0) {
    warnings.push(
      `no frame of ${namesOf(unseen)} was captured: what was forwarded from there and translated cannot be told from ` +
        'what the host itself sent; capture on all interfaces (tcpdump -i any)',
    );
  }
  if (setBack !== undefined) {
    const { number, seconds } = setBack;
    const late = `${seconds.toFixed(1)} s earlier than one before it`;
    warnings.push(`frame ${number} is ${late}: the clock of the host was set; time-outs are those of the later time`);
  }
  const { size: refused } = comparison.refused;
  if (refused > 0) {
    const which = counted(refused, 'connection was', 'connections were');
    warnings.push(
      `${which} refused here, but not by the captured host: what followed was replayed all the same, although it ` +
        'would not have happened, and may be listed as other connections',
    );
  }
  const isFiltered = givenSysctl(host.description, BRIDGE_SYSCTL);
  if (isFiltered === 0) return warnings;
  const effect = isFiltered === undefined ? `unless ${BRIDGE_SYSCTL} is 0, ` : '';
  const onPorts = [...bridged].map(([bridge, frames]) => {
    const seen = counted(frames, 'frame was', 'frames were');
    const whose = frames === 1 ? 'its packet' : 'their packets';
    return (
      `${seen} seen only on ports of ${host.interfaceNames[bridge]}, and skipped: bridges are ` +
      `not emulated, but ${effect}the host's rules met ${whose}`
    );
  });
  return [...warnings, ...onPorts];
}

function wereSkipped(frames: number): string {
  return frames === 1 ? 'was skipped' : 'were skipped';
}

function namesOf(interfaces: readonly string[]): string {
  const named = interfaces.slice(0, MAX_NAMED).map((name) => shown(name));
  const more = interfaces.length - named.length;
  const last = more > 0 ? `${more} more` : named.pop();
  return named.length === 0 ? (last ?? '') : `${named.join(', ')} or ${last}`;
}
