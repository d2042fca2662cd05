/** The frame of all views, what tables and dialogs say, sign-in and profile. */

export const shell = {
  product: 'LLM gateway',
  menu: { open: 'Open or close the menu', views: 'Views', administration: 'Administration' },
  appearance: { title: 'Language and colours', light: 'Light', dark: 'Dark', auto: 'As the system' },
  account: { signOut: 'Sign out' },
  action: {
    cancel: 'Cancel',
    close: 'Close',
    copied: 'Copied',
    copy: 'Copy',
    delete: 'Delete',
    edit: 'Edit',
    save: 'Save',
  },
  state: { loading: 'Loading', retry: 'Try again', missing: 'There is nothing at this address' },
  failure: {
    title: 'That did not work',
    unreachable: 'The gateway cannot be reached. Check the connection and try again.',
    unexpected: 'The answer could not be read. Please try again.',
    broken: 'This page could not be shown. Please load it again.',
    trace: 'Trace',
  },
  table: {
    total_one: '{{count}} row',
    total_other: '{{count}} rows',
    page: 'Page {{page}}',
    first: 'First page',
    last: 'Last page',
    next: 'Next page',
    previous: 'Previous page',
  },
  signIn: {
    title: 'Sign in',
    signUp: 'Create an account',
    emailOptional: 'Optional',
    showPassword: 'Show or hide the password',
    haveAccount: 'I have an account',
    newAccount: 'I am new here',
  },
  profile: {
    title: 'Profile',
    password: 'Another password',
    oldPassword: 'The password so far',
    newPassword: 'The new password',
    newPasswordAbout: 'At least 6 characters. You sign in again with it.',
  },
};
