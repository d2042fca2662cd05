/** 用户付款相关页面：订单、账单。 */
import type { Translation } from '../en.ts';

export const money: Pick<Translation, 'orders' | 'statements'> = {
  orders: {
    title: '订单',
    about: '订单支付后转为余额，超时未支付的订单会被取消。',
    create: '新建订单',
    none: '还没有订单。',
    pay: '支付',
    cancel: '取消订单',
    cancelQuestion: '订单取消后无法再支付。',
    timeLeft_one: '剩余 {{count}} 分钟',
    timeLeft_other: '剩余 {{count}} 分钟',
    refunded: '已退款：',
    sandbox: '此处为模拟支付，不会真正扣款。',
    provider: '请通过支付平台付款，支付后订单会显示为已支付。',
  },
  statements: {
    title: '账单',
    about: '一个月内的所有资金变动，各行相加等于期末余额。',
    print: '打印',
    month: '月份',
    sum: '本月汇总',
    opening: '期初余额',
    grants: '赠送',
    topUps: '充值',
    adjustments: '调整',
    refunds: '退款',
    chargebacks: '拒付',
    charges: '调用与任务',
    closing: '期末余额',
    entries: '调用以外的变动',
    noEntries: '本月没有充值或退款。',
    byModel: '按模型和访问密钥',
  },
};
