/** Paths to views. Each view's code is fetched when it is first shown. */
import { lazy } from 'react';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { BrokenView, MissingView } from './shared/page-states.tsx';
import { Shell } from './shell.tsx';
import { ADMINISTRATION_VIEWS, VIEWS } from './views.tsx';

const views = [...VIEWS, ...ADMINISTRATION_VIEWS].map(({ path, load }): RouteObject => {
  const Component = lazy(load);
  return path === '/' ? { index: true, Component } : { path, Component };
});

export const router = createBrowserRouter(
  [
    {
      element: <Shell />,
      errorElement: <BrokenView />,
      children: [{ errorElement: <BrokenView />, children: [...views, { path: '*', element: <MissingView /> }] }],
    },
  ],
  { basename: '/console' },
);
