import torch
import torch.nn as nn
import torchcrf

# 定义 BiLSTM + CRF 模型
class BiLSTMCRFModel(nn.Module):
    def __init__(self, vocab_size, hidden_dim, label_size):
        super(BiLSTMCRFModel, self).__init__()
        self.embedding = nn.Embedding(vocab_size, hidden_dim)
        self.bilstm = nn.LSTM(input_size=hidden_dim, hidden_size=hidden_dim, num_layers=2, batch_first=True, bidirectional=True)
        self.hidden2label = nn.Linear(hidden_dim * 2, label_size)
        self.crf = torchcrf.CRF(label_size, batch_first=True)

    def forward(self, input_ids, target_ids=None, mask=None):
        batch_size, seq_len = input_ids.size()
        embedded = self.embedding(input_ids)
        lstm_output, (h_n, c_n) = self.bilstm(embedded)
        output = self.hidden2label(lstm_output)
        if target_ids is not None:
            loss = -self.crf(output, target_ids, mask=mask)  # 负对数似然；mask 标出非填充位置
            return loss
        else:
            prediction = self.crf.decode(output, mask=mask)
            return prediction

# 实例化 BiLSTM + CRF 模型
vocab_size = 10000
hidden_dim = 128
label_size = 10
bilstm_crf_model = BiLSTMCRFModel(vocab_size, hidden_dim, label_size)
