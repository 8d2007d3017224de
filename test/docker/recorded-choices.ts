/** What a real engine drew at random in a recorded story, so that an emulated one draws the same. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { Drawn, DrawnRestart } from '../../docker/model.js';
import type { RecordedSnapshot, RecordedStep, Recording } from './recording.js';

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly State: { readonly StartedAt: string };
  readonly NetworkSettings: { readonly Ports: Record<string, { HostIp: string; HostPort: string }[] | null> | null };
}

export function recordedChoices(recording: Recording): Drawn {
  return { ids: recordedIds(recording), restarts: recordedRestarts(recording) };
}

function recordedIds({ steps, snapshots }: Recording): Record<string, string[]> {
  const ids: Record<string, string[]> = {};
  const note = (kind: 'network' | 'container', name: string, id: string): void => {
    ids[`${kind} ${name}`] ??= [];
    if (!ids[`${kind} ${name}`].includes(id)) ids[`${kind} ${name}`].push(id);
  };
  for (const step of steps) {
    const { verb, rest, output = '', networks = [] } = step;
    const [id] = /^[0-9a-f]{64}/m.exec(output) ?? [];
    const [, container] = /^(?:run|create) .*--name (\S+)/.exec(rest) ?? [];
    if (verb === 'docker' && id !== undefined) {
      if (rest.startsWith('network create')) note('network', rest.split(/\s+/).at(-1) ?? '', id);
      else if (container !== undefined) note('container', container, id);
    }
    if (verb === 'docker' && rest.startsWith('network create') && id === undefined) {
      const left = bridgeLeft(step, snapshots, Object.values(ids).flat());
      if (left !== undefined) note('network', rest.split(/\s+/).at(-1) ?? '', left);
    }
    for (const [name, id] of networks.map((line) => line.split(' '))) note('network', name, id);
    const snapshot = snapshots.find((one) => one.step === step);
    for (const { Name, Id } of inspected(snapshot?.list('networks.json'))) note('network', Name, Id);
    for (const { Name, Id } of inspected(snapshot?.list('containers.json'))) note('container', Name.slice(1), Id);
  }
  return ids;
}

/** The id of a network that could not be created, as far as the bridge tells it that its engine left behind. */
function bridgeLeft(
  { until }: RecordedStep,
  snapshots: readonly RecordedSnapshot[],
  noted: readonly string[],
): string | undefined {
  const next = snapshots.find(({ step }) => step.at >= until);
  const before = snapshots.filter(({ step }) => step.at < until).at(-1);
  const idsIn = (snapshot: RecordedSnapshot | undefined): string[] =>
    (snapshot?.list('addr.json') ?? []).flatMap(({ ifname }) => /^br-([0-9a-f]{12})$/.exec(String(ifname))?.[1] ?? []);
  const known = inspected(next?.list('networks.json')).map(({ Id }) => Id.slice(0, 12));
  const isNew = (id: string): boolean => !known.includes(id) && !noted.some((other) => other.startsWith(id));
  const [left] = idsIn(next).filter((id) => isNew(id) && !idsIn(before).includes(id));
  return left?.padEnd(64, '0');
}

function recordedRestarts({ steps, snapshots }: Recording): DrawnRestart[] {
  const restarts = steps.filter(({ verb, rest }) => verb === 'restart' && rest.startsWith('docker'));
  return restarts.map(({ until, networks = [], restored = [], started }) => {
    const ids = networks.map((line) => line.split(' '));
    const names = restored.map(
      (bridge) => ids.find(([, id, name]) => bridge === (name || `br-${id.slice(0, 12)}`))?.[0] ?? bridge,
    );
    return { networks: names, containers: started ?? startedBefore(snapshots.find(({ step }) => step.at >= until)) };
  });
}

/** Older recordings tell only by a snapshot in which order containers started. */
function startedBefore(snapshot: RecordedSnapshot | undefined): string[] {
  const containers = inspected(snapshot?.list('containers.json'));
  const byTime = containers.sort((a, b) => (a.State.StartedAt < b.State.StartedAt ? -1 : 1));
  return byTime.map(({ Name }) => Name.slice(1));
}

function inspected(list: readonly JsonObject[] = []): Inspected[] {
  return [...list] as unknown as Inspected[];
}
