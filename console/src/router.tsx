/** Paths to views. Each view's code is fetched when it is first shown. */
import { lazy, type ReactNode, Suspense } from 'react';
import { BrowserRouter, Route, Routes } from 'react-router';
import { useUser } from './session.tsx';
import { ErrorBoundary, LoadingView, MissingView } from './shared/page-states.tsx';
import { Shell } from './shell.tsx';
import { ADMINISTRATION_VIEWS, VIEWS, type View } from './views.tsx';

/** A role that lacks a view finds nothing at its address. */
function ForRoles({ roles, children }: { roles: View['roles']; children: ReactNode }) {
  return roles.includes(useUser().role) ? children : <MissingView />;
}

const views = [...VIEWS, ...ADMINISTRATION_VIEWS].map(({ path, roles, load }) => {
  const Component = lazy(load);
  const element = (
    <ForRoles key={path} roles={roles}>
      <ErrorBoundary>
        <Component />
      </ErrorBoundary>
    </ForRoles>
  );
  return <Route key={path} path={path} element={element} />;
});

const ResetPassword = lazy(() => import('./views/reset-password.tsx'));
const resetPassword = (
  <Suspense fallback={<LoadingView />}>
    <ResetPassword />
  </Suspense>
);

/** Plain routes: a router with loaders and actions, which no view has, would be 17 kB more to fetch. */
export function Router() {
  return (
    <BrowserRouter basename="/console">
      <ErrorBoundary>
        <Routes>
          <Route path="/reset" element={resetPassword} />
          <Route element={<Shell />}>
            {views}
            <Route path="*" element={<MissingView />} />
          </Route>
        </Routes>
      </ErrorBoundary>
    </BrowserRouter>
  );
}
