/** The frame of all views: header, menu, and the view itself; the sign-in where nobody is signed in. */
import { AppShell, Burger, Button, Divider, Group, Image, NavLink, ScrollArea, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type KeyboardEvent, lazy, type ReactNode, Suspense, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Outlet, NavLink as RouterLink, useLocation } from 'react-router';
import type { User } from './api/generated/schema.ts';
import { SessionProvider, useMe } from './session.tsx';
import { AccountMenu, AppearanceMenu } from './shared/header-menus.tsx';
import { ErrorState, LoadingView } from './shared/page-states.tsx';
import { ADMINISTRATION_VIEWS, VIEWS, type View } from './views.tsx';

const SignIn = lazy(() => import('./views/sign-in.tsx'));

const HEADER_PX = 56;
const ICON = `${import.meta.env.BASE_URL}icon.svg`;
const MENU_PX = 240;
const MAIN_ID = 'main';

export function Shell() {
  const { user, error, refetch } = useMe();
  if (user === null) {
    return (
      <Suspense fallback={<LoadingView />}>
        <SignIn />
      </Suspense>
    );
  }
  if (user) {
    return (
      <SessionProvider user={user}>
        <Frame role={user.role} />
      </SessionProvider>
    );
  }
  if (!error) return <LoadingView />;
  return (
    <AppShell header={{ height: HEADER_PX }} padding={{ base: 'md', sm: 'xl' }}>
      <Header />
      <AppShell.Main>
        <ErrorState error={error} onRetry={refetch} />
      </AppShell.Main>
    </AppShell>
  );
}

/** @param burger on a phone, what opens the menu. @param account of who is signed in. */
function Header({ burger, account }: { burger?: ReactNode; account?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <AppShell.Header>
      <Group h="100%" px="md" justify="space-between" wrap="nowrap">
        <Group gap="sm" wrap="nowrap">
          {burger}
          <Image src={ICON} alt="" w={24} h={24} visibleFrom="xs" />
          <Text fw={650} component="span">
            {t('product')}
          </Text>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <AppearanceMenu />
          {account}
        </Group>
      </Group>
    </AppShell.Header>
  );
}

function Frame({ role }: { role: User['role'] }) {
  const { t } = useTranslation();
  const [opened, menu] = useDisclosure();
  const { pathname } = useLocation();
  const burger = useRef<HTMLButtonElement>(null);
  const leaveMenu = ({ key }: KeyboardEvent) => {
    if (key !== 'Escape' || !opened) return;
    menu.close();
    burger.current?.focus();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: on a phone the menu covers the view that was chosen in it
  useEffect(() => menu.close(), [pathname]);
  return (
    <AppShell
      header={{ height: HEADER_PX }}
      navbar={{ width: MENU_PX, breakpoint: 'md', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', sm: 'xl' }}
      transitionDuration={0}
      onKeyDown={leaveMenu}
    >
      <SkipLink />
      <Header
        burger={
          <Burger
            {...{ ref: burger, opened, onClick: menu.toggle, size: 'sm', hiddenFrom: 'md' }}
            aria-label={t('menu.open')}
            aria-expanded={opened}
          />
        }
        account={<AccountMenu />}
      />
      {/* One that is beside the screen would still take the focus. */}
      <AppShell.Navbar p="sm" aria-label={t('menu.views')} visibleFrom={opened ? undefined : 'md'}>
        <AppShell.Section grow component={ScrollArea}>
          <Menu role={role} />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main className="main" id={MAIN_ID} tabIndex={-1}>
        <Suspense fallback={<LoadingView />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
    </AppShell>
  );
}

/** By keyboard, past the menu; it is no step of the history. */
function SkipLink() {
  const { t } = useTranslation();
  return (
    <Button
      component="a"
      href={`#${MAIN_ID}`}
      className="skip"
      onClick={(event) => {
        event.preventDefault();
        document.getElementById(MAIN_ID)?.focus();
      }}
    >
      {t('menu.skip')}
    </Button>
  );
}

function Menu({ role }: { role: User['role'] }) {
  const { t } = useTranslation();
  const administration = ADMINISTRATION_VIEWS.filter(({ roles }) => roles.includes(role));
  return (
    <>
      <Links views={VIEWS} />
      {administration.length > 0 && <Divider label={t('menu.administration')} labelPosition="left" my="sm" />}
      <Links views={administration} />
    </>
  );
}

function Links({ views }: { views: readonly View[] }) {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const active = useRef<HTMLAnchorElement>(null);
  // The menu of an administrator is longer than a screen.
  useEffect(() => {
    // Newer browsers answer with a promise, which is nothing that an effect may return.
    void active.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  return views.map(({ path, name, icon: Icon }) => (
    <NavLink
      key={path}
      component={RouterLink}
      to={path}
      ref={pathname === path ? active : undefined}
      active={pathname === path}
      label={t(`${name}.title`)}
      leftSection={<Icon size={18} aria-hidden />}
    />
  ));
}
