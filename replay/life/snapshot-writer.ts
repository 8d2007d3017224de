/** Writes what is left of hosts: snapshots, and the rules at the end. They are put in place when a replay succeeds. */
import { resolve, sep } from 'node:path';
import type { Backend, Ruleset } from '../../core/rules/model.js';
import { generatedBy, saveRuleset } from '../../core/rules/save.js';
import { StagedDir } from '../../io/staged-dir.js';
import { StagedFile } from '../../io/staged-file.js';
import { writeText } from '../../io/text-file.js';
import { folderToWrite } from '../changes/planned-change.js';
import { ReplayOptionsError } from '../errors.js';
import type { ReplayOptions } from '../replay.js';
import { foreignInSnapshot, whenOfSnapshot } from './snapshot-folder.js';
import { type HostMoment, writeSnapshot } from './written-snapshot.js';

export class SnapshotWriter {
  readonly #folders = new Map<string, StagedDir>();
  /** When the snapshots that are in the folders already are of. */
  readonly #earlier = new Map<string, string>();
  readonly #rules: StagedFile | undefined;

  /**
   * Makes room for the snapshots that OPTIONS ask for.
   * @throws {FileError} {ReplayOptionsError} if one of them cannot be written
   */
  constructor({ changes = [], outDir, hostPath, saveRulesPath, onCreate }: ReplayOptions) {
    try {
      this.#rules = saveRulesPath === undefined ? undefined : new StagedFile(saveRulesPath, onCreate);
      for (const change of changes) {
        const folder = folderToWrite(change);
        if (folder === undefined) continue;
        this.#refuse(folder, outDir, hostPath);
        const earlier = whenOfSnapshot(folder);
        if (earlier !== undefined) this.#earlier.set(folder, earlier);
        const options = { foreignFile: foreignInSnapshot, ...(onCreate === undefined ? {} : { onCreate }) };
        this.#folders.set(folder, new StagedDir(folder, options));
      }
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  #refuse(folder: string, outDir: string | undefined, hostPath: string): void {
    const refusal = (why: string) => new ReplayOptionsError(`--at …=snapshot:${folder}: ${why}`);
    const isIn = (parent: string): boolean => `${resolve(folder)}${sep}`.startsWith(`${resolve(parent)}${sep}`);
    if (this.#folders.has(folder)) throw refusal('another snapshot is written there; give each its own folder');
    if (resolve(folder) === resolve(hostPath)) throw refusal('that is the host that is read; give another folder');
    if (outDir !== undefined && outDir !== '-' && isIn(outDir))
      throw refusal(`the folder ${outDir} (--out) is replaced; give a place outside of it`);
  }

  /**
   * Writes the snapshot of HOST that is to be in FOLDER. Returns when the snapshot is of that it replaces, as it was
   * given; undefined: there was none.
   * @throws {FileError}
   */
  write(folder: string, host: HostMoment): string | undefined {
    const staged = this.#folders.get(folder);
    if (staged !== undefined) writeSnapshot(staged.path, host);
    return this.#earlier.get(folder);
  }

  /** Writes RULESET as the iptables service saves it, if that was asked for. @throws {FileError} */
  saveRules(ruleset: Ruleset, backend: Backend): void {
    if (this.#rules !== undefined) writeText(this.#rules.path, generatedBy(backend) + saveRuleset(ruleset));
  }

  /** Puts all of them in place. @throws {FileError} */
  commit(): void {
    this.#rules?.commit();
    for (const staged of this.#folders.values()) staged.commit();
    this.#folders.clear();
  }

  discard(): void {
    this.#rules?.discard();
    for (const staged of this.#folders.values()) staged.discard();
    this.#folders.clear();
  }
}
