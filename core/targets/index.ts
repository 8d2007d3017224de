/** All targets, by name. core/rules handles ACCEPT, DROP, RETURN and jumps. */
import type { TargetExtension } from '../rules/extension.js';
import { connmark } from './connmark.js';
import { dnat } from './dnat.js';
import { log } from './log.js';
import { mark } from './mark.js';
import { masquerade } from './masquerade.js';
import { redirect } from './redirect.js';
import { reject } from './reject.js';
import { snat } from './snat.js';

const ALL: readonly TargetExtension<unknown>[] = [connmark, dnat, log, mark, masquerade, redirect, reject, snat];

export const TARGETS: ReadonlyMap<string, TargetExtension<unknown>> = new Map(
  ALL.map((extension) => [extension.name, extension]),
);
