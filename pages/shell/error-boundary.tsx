import type { ComponentChildren } from 'preact';
import { useEffect, useErrorBoundary } from 'preact/hooks';
import { Failure } from '../parts/loading.js';

/** In place of a view that failed, why; the rest of the page goes on. Another result OF which it is may be shown again. */
export function ErrorBoundary(props: {
  readonly of: unknown;
  readonly children: ComponentChildren;
}): ComponentChildren {
  const { of, children } = props;
  const [error, reset] = useErrorBoundary();
  useEffect(reset, [of]);
  return error === undefined ? children : <Failure error={error} />;
}
