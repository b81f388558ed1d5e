import torch
import torch.nn as nn
import torchcrf

# 定义 Bert + CRF 模型
class BertCRFModel(nn.Module):
    def __init__(self, bert_model, hidden_dim, label_size):
        super(BertCRFModel, self).__init__()
        self.bert = bert_model
        self.hidden2label = nn.Linear(hidden_dim, label_size)
        self.crf = torchcrf.CRF(label_size, batch_first=True)

    def forward(self, input_ids, attention_mask, target_ids=None):
        batch_size, seq_len = input_ids.size()
        bert_output = self.bert(input_ids, attention_mask=attention_mask)
        output = self.hidden2label(bert_output[0])
        if target_ids is not None:
            loss = -self.crf(output, target_ids, mask=attention_mask.bool())
            return loss
        else:
            prediction = self.crf.decode(output, mask=attention_mask.bool())
            return prediction

# 实例化 Bert + CRF 模型
from transformers import BertModel
bert_model = BertModel.from_pretrained('bert-base-uncased')
hidden_dim = 768
label_size = 10
bert_crf_model = BertCRFModel(bert_model, hidden_dim, label_size)
