/** 框架、表格、对话框、登录与个人资料。 */
import type { Translation } from '../en.ts';

export const shell: Pick<
  Translation,
  | 'product'
  | 'menu'
  | 'appearance'
  | 'account'
  | 'action'
  | 'state'
  | 'failure'
  | 'table'
  | 'signIn'
  | 'reset'
  | 'profile'
> = {
  product: '大模型网关',
  menu: { open: '打开或关闭菜单', skip: '跳到正文', views: '页面', administration: '管理' },
  appearance: { title: '语言与外观', light: '浅色', dark: '深色', auto: '跟随系统' },
  account: { signOut: '退出登录' },
  action: {
    clear: '清除',
    cancel: '取消',
    close: '关闭',
    copied: '已复制',
    copy: '复制',
    delete: '删除',
    edit: '编辑',
    save: '保存',
  },
  state: { loading: '加载中', retry: '重试', missing: '页面不存在', noMatch: '没有匹配项' },
  failure: {
    title: '操作失败',
    unreachable: '无法连接网关，请检查网络后重试。',
    unexpected: '无法读取网关的应答，请重试。',
    broken: '页面无法显示，请重新加载。',
    notFetched: '无法连接网关，或网关已更新。请重新加载此页面。',
    otherUser: '当前已登录其他用户，未执行任何操作。',
    trace: '跟踪号',
    field: '{{field}}：{{text}}',
    and: '；',
  },
  table: {
    badFilter: '无法按这些条件查询。{{reason}}',
    total_one: '共 {{count, number}} 行',
    total_other: '共 {{count, number}} 行',
    page: '第 {{page}} 页',
    first: '第一页',
    last: '最后一页',
    next: '下一页',
    previous: '上一页',
  },
  signIn: {
    title: '登录',
    signUp: '注册',
    emailOptional: '选填',
    showPassword: '显示或隐藏密码',
    haveAccount: '已有账号，去登录',
    newAccount: '没有账号，去注册',
  },
  reset: {
    heading: '设置新密码',
    about: '至少 6 个字符。',
    token: '链接中的令牌',
    done: '新密码已设置，现在可以登录。',
  },
  profile: {
    title: '个人资料',
    password: '修改密码',
    oldPassword: '当前密码',
    newPassword: '新密码',
    newPasswordAbout: '至少 6 个字符，修改后需要重新登录。',
  },
};
