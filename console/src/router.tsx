/** Paths to views. Each view's code is fetched when it is first shown. */
import { lazy, type ReactNode, Suspense } from 'react';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { useUser } from './session.tsx';
import { BrokenView, LoadingView, MissingView } from './shared/page-states.tsx';
import { Shell } from './shell.tsx';
import { ADMINISTRATION_VIEWS, VIEWS, type View } from './views.tsx';

/** A role that lacks a view finds nothing at its address. */
function ForRoles({ roles, children }: { roles: View['roles']; children: ReactNode }) {
  return roles.includes(useUser().role) ? children : <MissingView />;
}

const views = [...VIEWS, ...ADMINISTRATION_VIEWS].map(({ path, roles, load }): RouteObject => {
  const Component = lazy(load);
  const element = (
    <ForRoles key={path} roles={roles}>
      <Component />
    </ForRoles>
  );
  return path === '/' ? { index: true, element } : { path, element };
});

const ResetPassword = lazy(() => import('./views/reset-password.tsx'));

export const router = createBrowserRouter(
  [
    {
      path: '/reset',
      errorElement: <BrokenView />,
      element: (
        <Suspense fallback={<LoadingView />}>
          <ResetPassword />
        </Suspense>
      ),
    },
    {
      element: <Shell />,
      errorElement: <BrokenView />,
      children: [{ errorElement: <BrokenView />, children: [...views, { path: '*', element: <MissingView /> }] }],
    },
  ],
  { basename: '/console' },
);
