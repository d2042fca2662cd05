/** Light or dark, the language, and the account, at the end of the header. */
import { ActionIcon, Button, Menu, Text, useMantineColorScheme } from '@mantine/core';
import { Languages, LogOut, Moon, Sun, SunMoon, UserRound } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { changeLanguage, isLanguage, LANGUAGES } from '../language/language.ts';
import { signOut, useUser } from '../session.tsx';

const SCHEMES = [
  { value: 'light', icon: Sun },
  { value: 'dark', icon: Moon },
  { value: 'auto', icon: SunMoon },
] as const;

export function AppearanceMenu() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('appearance.title')}>
          <Languages size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(LANGUAGES).map(([name, label]) => (
          <Menu.Item
            key={name}
            lang={name}
            aria-current={name === i18n.language}
            fw={name === i18n.language ? 700 : undefined}
            onClick={() => isLanguage(name) && void changeLanguage(name)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        {SCHEMES.map(({ value, icon: Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={16} aria-hidden />}
            aria-current={value === colorScheme}
            fw={value === colorScheme ? 700 : undefined}
            onClick={() => setColorScheme(value)}
          >
            {t(`appearance.${value}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function AccountMenu() {
  const { t } = useTranslation();
  const { username, role } = useUser();
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          leftSection={<UserRound size={18} aria-hidden />}
          maw={{ base: 150, sm: 280 }}
          title={username}
        >
          <Text span inherit truncate>
            {username}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className="long-names">
          {username} · {t(`role.${role}`)}
        </Menu.Label>
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={signOut}>
          {t('account.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
