/** Where messages beside the page are shown. A file of its own, so that it is fetched on its own. */
import { Notifications } from '@mantine/notifications';

export default function Notices() {
  return <Notifications position="top-right" />;
}
