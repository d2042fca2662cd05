/** Views of administrators: users, and keys, calls and spend of all. */

export const administration = {
  users: {
    title: 'Users',
    create: 'New user',
    search: 'Name, email address or id',
    none: 'No users found.',
    one: 'User',
    openingBalance: 'Opening balance',
    today: 'Spent today',
    last30Days: 'In 30 days',
    lastCalls: 'Last calls',
    enable: 'Enable',
    disable: 'Disable',
    adjust: 'Adjust the balance',
    adjustAbout: '5 adds money, -5 takes it away',
    book: 'Change the balance',
    disableQuestion:
      '“{{name}}” is signed out at once, and all access keys stop working until you enable the user again.',
    assignRole: 'Change the role',
    assignQuestion: '“{{name}}” gets the role “{{role}}” at once.',
    resetLink: 'Link for a new password',
    resetLinkQuestion:
      'The password of “{{name}}” and all sign-ins stop working at once. You get a link, good once and for 24 hours, to pass on.',
    resetPassword: 'Generate a password',
    resetQuestion:
      'The password of “{{name}}” and all sign-ins stop working at once. The new password is shown only once.',
    secretOnce: 'Copy it now: it is shown only once.',
    close: 'Close the account',
    closeQuestion:
      '“{{name}}” can never sign in or call again, and all access keys are deleted. This cannot be undone.',
    closed: 'Closed in the console',
  },
  allKeys: {
    title: 'Keys of all users',
    about: 'Found a key somewhere? Paste it to see whose it is, and revoke it if it has leaked.',
    paste: 'Key to look up',
    find: 'Find its owner',
    found: 'Key found',
    mask: 'Masked key',
    deleted: 'Deleted and revoked keys, too',
    none: 'No keys found.',
    used: 'Budget used',
    revoke: 'Revoke',
    revokeQuestion: 'Programs of {{owner}} that use “{{name}}” are refused at once. This cannot be undone.',
  },
  allCalls: {
    title: 'Calls of all users',
    about: 'Who called, which provider answered after how many attempts, and why a call failed.',
  },
  spend: {
    title: 'Spend',
    about: 'What all users have spent, highest first.',
    by: 'By',
    others: 'All others',
    before_one: 'The day before',
    before_other: 'The {{count}} days before',
    group: {
      user: 'User',
      accessKey: 'Access key',
      model: 'Model',
      provider: 'Provider',
      day: 'Day',
      tag: 'Tag',
    },
  },
};
