// A module hook (see node:module, register) that redirects imports of 'uvu' to watched-uvu.ts, which alone gets the
// real one.
import type { ResolveHook } from 'node:module';

const watchedUrl = new URL('./watched-uvu.js', import.meta.url).href;

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  specifier === 'uvu' && context.parentURL !== watchedUrl
    ? { url: watchedUrl, shortCircuit: true }
    : nextResolve(specifier, context);
