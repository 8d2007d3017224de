/** The images of the containers in stories. They are made here, nothing is pulled. */
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { output, text } from './program.js';

interface Image {
  readonly name: string;
  /** Programs of this system that are in it, with their libraries. */
  readonly programs: readonly string[];
  /** As `docker import --change` takes them. */
  readonly changes: readonly string[];
}

const APPLETS = [
  ...['sh', 'nc', 'wget', 'httpd', 'ping', 'ip', 'cat', 'echo', 'sleep', 'head', 'timeout', 'printf', 'true'],
  ...['udhcpc', 'route'],
];

/**
 * Answers on ports 80 (HTTP) and 7 (echo), and ends at once when it is told to, although it is process 1: with the
 * status of a program that SIGTERM has ended, a failure for --restart on-failure.
 */
const SERVERS = `#!/bin/sh
trap 'exit 143' TERM
httpd -p 80 -h /bin
nc -ll -p 7 -e cat &
while :; do sleep 3600 & wait $!; done
`;

export const IMAGES: readonly Image[] = [
  { name: 'busybox', programs: [], changes: ['CMD ["/servers"]'] },
  {
    name: 'redis',
    programs: ['redis-server', 'redis-cli'],
    changes: ['CMD ["redis-server","--bind","0.0.0.0","--protected-mode","no","--save",""]'],
  },
];

/** Makes the archives of all images that this system has the programs for, as NAME.tar in WORK. */
export async function buildImages({ work }: { work: string }): Promise<void> {
  for (const { name, programs } of IMAGES) {
    const paths: string[] = [];
    for (const program of programs) paths.push((await output(['sh', '-c', `command -v ${program}`])).stdout.trim());
    if (paths.includes('')) continue;
    const root = join(work, name);
    for (const folder of ['bin', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of APPLETS)
      if (!existsSync(join(root, 'bin', applet))) symlinkSync('busybox', join(root, 'bin', applet));
    writeFileSync(join(root, 'servers'), SERVERS, { mode: 0o755 });
    for (const path of paths) await copyProgram(path, root);
    await text(['tar', '-C', root, '-cf', join(work, `${name}.tar`), '.']);
  }
}

/** Copies the program at PATH, and the libraries that it needs, to ROOT. */
async function copyProgram(path: string, root: string): Promise<void> {
  copyFileSync(realpathSync(path), join(root, 'bin', path.slice(path.lastIndexOf('/') + 1)));
  for (const [library] of (await text(['ldd', path])).matchAll(/\/\S+/g)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(realpathSync(library), join(root, library));
  }
}
