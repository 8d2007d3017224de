/** The two plots in README.md: cost per packet by number of rules, and by number of connections. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, measureRows, median, type Row } from './measure.js';
import { manyConnections, type Scale, simple } from './rows.js';
import { missingRules } from './rulesets.js';
import { drawPlot, type Line } from './svg.js';
import { inputsOf, type Workspace } from './workspace.js';
import { Yardstick } from './yardstick.js';

const ROUNDS = 3;
const RULES = [10, 100, 1000, 10_000];
const ESTABLISHED_CONNECTIONS = 10_000;

/** Measures, and writes `rules.svg` and `connections.svg` to DIR. */
export async function drawPlots(
  workspace: Workspace,
  { packets, manyConnections: maximum }: Scale,
  dir: string,
  showStatus: (line: string) => void,
): Promise<void> {
  const connections = [1000, 10_000, 100_000, 1_000_000].filter((count) => count <= maximum);
  const rows = [
    ...RULES.map((count) => rulesRow(count, packets, workspace)),
    ...connections.map((count) =>
      plotRow(`connections ${count}`, () => [manyConnections(`c${count}`, count, packets, workspace)]),
    ),
  ];
  const yardstick = new Yardstick(workspace.dir);
  const measured = await measureRows(rows, {
    rounds: ROUNDS,
    yardstick,
    warm: (bytes) => workspace.warm(bytes),
    showStatus,
  });
  yardstick.close();

  const rulesPlot = {
    title: 'Cost per packet, by number of rules before the matching one',
    xLabel: 'rules (logarithmic)',
    yLabel: 'nanoseconds per packet',
    lines: [
      lineOf('packets of 10,000 connections', 'r', RULES, measured),
      lineOf('every packet a new connection', 'n', RULES, measured),
    ],
  };
  const connectionsPlot = {
    title: 'Cost per packet, by number of concurrent connections',
    xLabel: 'connections (logarithmic)',
    yLabel: 'nanoseconds per packet',
    lines: [lineOf('once all connections are settled', 'c', connections, measured)],
  };
  writeFileSync(join(dir, 'rules.svg'), drawPlot(rulesPlot));
  writeFileSync(join(dir, 'connections.svg'), drawPlot(connectionsPlot));
}

function rulesRow(count: number, packets: number, workspace: Workspace): Row {
  return plotRow(`rules ${count}`, () => {
    const path = workspace.rules(`plot-${count}`, missingRules(count));
    const inputs = inputsOf(workspace.est64(packets, ESTABLISHED_CONNECTIONS));
    const newInputs = [{ iface: 'eth0', path: workspace.newConnections(packets / 4) }];
    return [
      simple(`r${count}`, () => workspace.replay(path, inputs)),
      simple(`n${count}`, () => workspace.replay(path, newInputs)),
    ];
  });
}

function plotRow(name: string, prepare: Row['prepare']): Row {
  return { name, about: '', needs: [], goals: [], prepare };
}

function lineOf(name: string, prefix: string, xs: readonly number[], measured: readonly Measured[]): Line {
  return {
    name,
    points: xs.map((x) => ({ x, y: median(measured.find(({ key }) => key === `${prefix}${x}`)!.runs) })),
  };
}
