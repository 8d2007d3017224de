import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { Failure } from '../parts/loading.js';

/** In place of a view that failed, why; the rest of the page goes on. */
export function ErrorBoundary({ children }: { readonly children: ComponentChildren }): ComponentChildren {
  const [error] = useErrorBoundary();
  return error === undefined ? children : <Failure error={error} />;
}
